"""A search goes back in growing steps that miss nothing. No store."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from apps.analytics.query import TimeRange
from apps.analytics.windows import windows

NOON = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(
    counts=st.dictionaries(st.integers(0, 800), st.integers(1, 3_000_000), max_size=60),
    minutes=st.integers(1, 60 * 24 * 30),
    most=st.sampled_from([250_000, 2**40]),
)
def test_windows_join_and_cover_the_range(counts: dict[int, int], minutes: int, most: int) -> None:
    time_range = TimeRange(NOON - timedelta(minutes=minutes), NOON + timedelta(minutes=17))
    hours = [(NOON - HOUR * back, counts[back]) for back in sorted(counts)]
    parts = list(windows(hours, time_range, most=most))
    assert parts[0].end == time_range.end
    assert parts[-1].start == time_range.start
    assert all(newer.start == older.end for newer, older in pairwise(parts))
    assert all(part.start < part.end for part in parts)


def test_the_first_window_is_small_where_spans_are_dense_and_large_where_they_are_not() -> None:
    week = TimeRange(NOON - 168 * HOUR, NOON)
    dense = list(windows([(NOON - HOUR * back, 60_000) for back in range(1, 169)], week))
    assert dense[0].end - dense[0].start <= timedelta(minutes=1)
    assert list(windows([(NOON - 150 * HOUR, 12)], week)) == [week]
    assert list(windows([], week)) == [week]
