"""A skip that was not allowed is a failure, and what was left out is told in one line."""

from collections import Counter

import pytest

from tests.plugin_require import must_run, skip_line


@pytest.mark.parametrize(
    ("reason", "required", "expected"),
    [
        ("no PostgreSQL server answers at 127.0.0.1:5432", "all", True),
        ("no PostgreSQL server answers at 127.0.0.1:5432", "redis, postgres", True),
        ("no PostgreSQL server answers at 127.0.0.1:5432", "redis", False),
        ("no Chromium", "", False),
    ],
)
def test_what_must_run(reason: str, required: str, expected: bool) -> None:
    """By a word of the reason, or all."""
    assert must_run(reason, required) is expected


def test_one_line_says_what_was_left_out() -> None:
    """However many tests it was."""
    assert skip_line(Counter()) == "left out: nothing"
    line = skip_line(Counter({"no Redis": 2, "no Chromium": 5}))
    assert line == "left out: 7 (5 x no Chromium; 2 x no Redis)"
