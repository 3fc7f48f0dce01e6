"""Text match, valid JSON, length and limits."""

import json
import unicodedata
from decimal import Decimal
from typing import Any

import pytest

from apps.evals.evaluators import EvaluatorError, evaluator_of
from tests.apps.evals.evaluators.judging import HINDI, MIXED, judged, messages

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("settings", "answer", "value"),
    [
        ({"mode": "exact", "expected": "Paris"}, "  Paris\n", True),
        ({"mode": "exact", "expected": "Paris"}, "Paris.", False),
        ({"mode": "exact", "expected": "paris", "ignore_case": True}, "PARIS", True),
        ({"expected": "capital"}, "The Capital", False),
        ({"expected": "capital", "ignore_case": True}, "The Capital", True),
        ({"expected": "राजधानी"}, HINDI, True),
        ({"expected": "sorry", "absent": True}, "All is well", True),
        ({"mode": "regex", "expected": r"\b\d{3}\b"}, "call 112 now", True),
        ({"mode": "regex", "expected": r"^\d+$"}, "12 and 13", False),
        ({"mode": "regex", "expected": "PARIS", "ignore_case": True}, MIXED, True),
        ({"mode": "regex", "expected": "^$"}, "", True),
        ({"mode": "contains", "expected": "x"}, "", False),
    ],
)
def test_a_text_is_compared(settings: dict[str, Any], answer: str, value: bool) -> None:
    assert judged("text_match", settings, answer).value is value


def test_a_letter_written_in_two_ways_is_one_letter() -> None:
    decomposed = unicodedata.normalize("NFD", "café, लड़का")
    assert judged("text_match", {"expected": "café, लड़का"}, decomposed).value is True


def test_the_question_and_the_whole_input_can_be_looked_at() -> None:
    given = messages(("system", "Use French."), ("user", "And Rome?"), ("assistant", "Oui."), ("user", "And Paris?"))
    assert judged("text_match", {"expected": "Paris", "where": "question"}, "x", input=given).value is True
    assert judged("text_match", {"expected": "Rome", "where": "question"}, "x", input=given).value is False
    assert judged("text_match", {"expected": "French", "where": "input"}, "x", input=given).value is True


def test_the_answer_of_messages_is_their_text_without_the_reasoning() -> None:
    output = json.dumps(
        [
            {
                "role": "assistant",
                "parts": [{"type": "reasoning", "content": "Rome?"}, {"type": "text", "content": "Paris"}],
            }
        ]
    )
    assert judged("text_match", {"mode": "exact", "expected": "Paris"}, output).value is True


@pytest.mark.parametrize("expected", ["(", "(?=a)b", r"(a)\1"])
def test_a_bad_expression_is_refused_with_its_error(expected: str) -> None:
    with pytest.raises(EvaluatorError, match=r"regular expression|linear time") as raised:
        evaluator_of("text_match", {"mode": "regex", "expected": expected})
    assert raised.value.field == "expected"


def test_a_catastrophic_expression_is_answered() -> None:
    assert judged("text_match", {"mode": "regex", "expected": "^(a+)+$"}, "a" * 50_000 + "b").value is False


def test_only_the_beginning_of_a_huge_text_is_searched_and_that_is_said() -> None:
    verdict = judged("text_match", {"mode": "regex", "expected": "needle"}, "x" * 1_100_000 + "needle")
    assert verdict.value is False
    assert "first 1,000,000 of 1,100,006 characters" in verdict.comment


@pytest.mark.parametrize(
    ("answer", "value", "said"),
    [
        ('{"city": "Paris", "people": 3}', True, ""),
        ('{"city": "paris"}', False, ".city: 'paris' does not match"),
        ('{"people": 3}', False, "'city' is a required property"),
        ('{"city": "Paris", "river": "Seine"}', False, "'river' is not allowed here"),
        ('{"city": "Paris", "people": -1}', False, ".people: -1 is less than the minimum"),
        ("Here it is: {}", False, "not JSON"),
        ('{"city": "Paris", "people": NaN}', False, "NaN is no JSON number"),
        ("", False, "it is empty"),
        ("[" * 100_000, False, "nested too deeply"),
    ],
)
def test_an_answer_is_json_of_the_expected_shape(answer: str, value: bool, said: str) -> None:
    verdict = judged("json_valid", {"schema": SCHEMA}, answer)
    assert verdict.value is value
    assert said in verdict.comment


def test_the_schema_may_come_as_text_and_the_json_in_a_fence() -> None:
    answer = '```json\n{"city": "Paris"}\n```'
    assert judged("json_valid", {"schema": json.dumps(SCHEMA), "fence": True}, answer).value is True
    assert judged("json_valid", {"schema": json.dumps(SCHEMA)}, answer).value is False


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "text"}, "it is no JSON Schema"),
        ({"$ref": "https://example.com/schema.json"}, "lies outside"),
        ({"pattern": "(?=a)"}, "linear time"),
        ("{", "is no JSON"),
        ("[1]", "give an object"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: object, said: str) -> None:
    with pytest.raises(EvaluatorError, match=said) as raised:
        evaluator_of("json_valid", {"schema": schema})
    assert raised.value.field == "schema"


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, {"n1": 1}, True),
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, {"m": 1}, False),
        ({"patternProperties": {"^n": {"type": "number"}}}, {"n1": "x"}, False),
        ({"uniqueItems": True}, [1, 1.0], False),
        ({"uniqueItems": True}, [1, True, "1"], True),
        ({"$defs": {"n": {"type": "number"}}, "items": {"$ref": "#/$defs/n"}}, [1, "x"], False),
        ({"oneOf": [{"type": "string"}, {"minimum": 3}]}, 2, False),
        ({"prefixItems": [{"const": 1}]}, [2], False),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"const": 1}]}, [2], False),
        (False, 1, False),
    ],
)
def test_schemas_mean_what_the_standard_says(schema: object, value: object, fits: bool) -> None:
    assert judged("json_valid", {"schema": schema}, json.dumps(value)).value is fits


def test_a_schema_without_an_end_gives_no_verdict() -> None:
    assert "too deeply" in judged("json_valid", {"schema": {"$ref": "#"}}, "1").reason
    chain = {f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)}
    verdict = judged("json_valid", {"schema": {"$defs": {**chain, "d40": {}}, "$ref": "#/$defs/d0"}}, "1")
    assert "references" in verdict.reason


@pytest.mark.parametrize(
    ("settings", "answer", "value", "length"),
    [
        ({"most": 5}, "Paris", True, "5"),
        ({"most": 4}, "Paris", False, "5"),
        ({"least": 1}, "", False, "0"),
        ({"unit": "words", "least": 3, "most": 3}, "एक दो तीन", True, "3"),
        ({"unit": "tokens", "most": 2}, "Hello world", True, "2"),
    ],
)
def test_lengths_are_counted(settings: dict[str, Any], answer: str, value: bool, length: str) -> None:
    verdict = judged("length", settings, answer)
    assert verdict.value is value
    assert verdict.metadata["length"] == length


def test_tokens_of_a_huge_answer_are_not_counted_and_that_is_said() -> None:
    assert "too long to count tokens" in judged("length", {"unit": "tokens", "most": 5}, "x" * 1_000_000).reason


@pytest.mark.parametrize(
    ("settings", "rest", "value"),
    [
        ({"measure": "cost", "limit": 0.01}, {"cost_usd": Decimal("0.010000")}, True),
        ({"measure": "cost", "limit": 0.01}, {"cost_usd": Decimal("0.010001")}, False),
        ({"measure": "latency", "limit": 2}, {"duration_seconds": 2.5}, False),
        ({"measure": "ttft", "limit": "0.5"}, {"ttft_seconds": 0.2}, True),
        ({"measure": "output_tokens", "limit": 100}, {"output_tokens": 101}, False),
        ({"measure": "cost", "limit": 0}, {"cost_usd": Decimal(0)}, True),
    ],
)
def test_a_measure_is_held_against_its_limit(settings: dict[str, Any], rest: dict[str, Any], value: bool) -> None:
    assert judged("limits", settings, **rest).value is value


@pytest.mark.parametrize("measure", ["cost", "latency", "ttft", "input_tokens", "output_tokens"])
def test_what_nobody_knows_is_neither_a_pass_nor_a_failure(measure: str) -> None:
    verdict = judged("limits", {"measure": measure, "limit": 1e9})
    assert not verdict.given
    assert "unknown" in verdict.reason


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_latency_that_is_no_measure_gives_no_verdict(seconds: float) -> None:
    assert "no measure" in judged("limits", {"measure": "latency", "limit": 1}, duration_seconds=seconds).reason
