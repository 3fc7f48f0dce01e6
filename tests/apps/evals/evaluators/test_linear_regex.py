"""The searching of expressions: Python's answers, in linear time."""

import random
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from apps.evals.evaluators.linear_regex import LinearRegex, RegexError

ATOMS = some.sampled_from(
    [
        "a",
        "b",
        "A",
        "é",
        ".",
        r"\d",
        r"\w",
        r"\W",
        r"\s",
        "[ab]",
        "[^a]",
        "[a-c1-2]",
        " ",
        r"\n",
        "^",
        "$",
        r"\b",
        r"\A",
        r"\Z",
    ]
)
REPEATS = some.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "{2,}"])
EXPRESSIONS = some.recursive(
    ATOMS,
    lambda inner: some.one_of(
        some.tuples(inner, inner).map("".join),
        some.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        some.tuples(inner, some.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "{2,}"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=6,
)
FLAGS = some.sampled_from(["", "(?i)", "(?m)", "(?s)", "(?a)", "(?im)"])


@settings(max_examples=400, deadline=None)
@given(FLAGS, EXPRESSIONS, some.text("abAcéÉ12 \n.", max_size=8))
def test_it_finds_what_python_finds(flags: str, expression: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert LinearRegex(flags + expression).found_in(text) == (re.search(flags + expression, text) is not None)


@pytest.mark.parametrize(
    ("expression", "text"),
    [("(a+)+$", "a" * 100_000 + "b"), ("(a|aa)+$", "a" * 100_000 + "b"), ("(.*)(.*)(.*)(.*)x", "y" * 100_000)],
)
def test_what_would_take_years_elsewhere_is_answered(expression: str, text: str) -> None:
    assert LinearRegex(expression).found_in(text) is False
    assert LinearRegex(expression).found_in(text[:-1] + "x") is (expression.endswith("x"))


def test_an_expression_that_makes_too_many_states_gives_up_and_says_so() -> None:
    """The classic blow-up: the n-th character from the end."""
    chance = random.Random(1)
    text = "".join(chance.choice("ab") for _ in range(200_000))
    with pytest.raises(RegexError, match="too much work"):
        LinearRegex("[ab]*a[ab]{400}c").found_in(text)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(", "is no regular expression"),
        ("[z-a]", "is no regular expression"),
        (r"(a)\1", "cannot be searched in linear time"),
        ("(?=a)", "cannot be searched in linear time"),
        ("(a{1,1000}){1,1000}", "too large"),
    ],
)
def test_what_cannot_be_searched_is_refused(expression: str, said: str) -> None:
    with pytest.raises(RegexError, match=said):
        LinearRegex(expression)


def test_a_possessive_repeat_is_refused() -> None:
    with pytest.raises(RegexError, match="linear time"):
        LinearRegex("a++b")
