"""How numbers read: never a cheap call as free, never unknown as zero."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.ui.format import (
    ago_text,
    bytes_text,
    count_text,
    duration_text,
    exact_money,
    money_text,
    percent_text,
    short_money,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "$0"),
        ("12345.678", "$12,345.68"),
        ("1", "$1.00"),
        ("0.5", "$0.50"),
        ("0.0123456", "$0.0123"),
        ("0.00000048", "$0.00000048"),
        ("-3.2", "-$3.20"),
    ],
)
def test_money_keeps_enough_digits(amount: str, expected: str) -> None:
    assert money_text(Decimal(amount)) == expected


def test_unknown_money_is_a_dash_and_zero_is_not() -> None:
    assert money_text(None) == DASH
    assert exact_money(None) == "unknown"
    assert money_text(Decimal(0)) != DASH


def test_other_currencies_are_named() -> None:
    assert money_text(Decimal("12.5"), "INR") == "₹12.50"
    assert money_text(Decimal("12.5"), "CHF") == "CHF 12.50"


def test_narrow_money_says_below_rather_than_nothing() -> None:
    assert short_money(Decimal("0.00000048")) == "<$0.0001"
    assert short_money(Decimal("0.0001")) == "$0.0001"
    assert short_money(Decimal(0)) == "$0"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(None, DASH), (0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (999_999, "1.00M"), (2_500_000_000, "2.50B")],
)
def test_counts(number: int | None, expected: str) -> None:
    assert count_text(number) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, DASH),
        (0, "0 ms"),
        (0.00085, "850 µs"),
        (0.0123, "12.3 ms"),
        (0.99951, "1.00 s"),
        (59.97, "1m 00s"),
        (3599.7, "1h 00m"),
        (90_000, "1d 01h"),
    ],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert duration_text(seconds) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(None, DASH), (0, "0%"), (0.00004, "<0.01%"), (0.0069, "0.69%"), (0.27, "27.0%"), (0.9999, ">99.9%"), (1, "100%")],
)
def test_a_share_never_rounds_to_nothing_or_to_all(share: float | None, expected: str) -> None:
    assert percent_text(share) == expected


def test_bytes() -> None:
    assert [bytes_text(size) for size in (0, 999, 1_500, 2_000_000)] == ["0 B", "999 B", "1.5 kB", "2.0 MB"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "now"), (42, "42s ago"), (4_000, "1h ago"), (90_000, "1d ago"), (-120, "in 2m"), (40 * 86_400, "Oct 11")],
)
def test_ago(seconds: int, expected: str) -> None:
    assert ago_text(NOW - timedelta(seconds=seconds), now=NOW) == expected
