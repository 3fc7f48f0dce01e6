"""How far back to look at a time: from newest to oldest, few spans first, four times as many each time. Pure.

A newest-first page needs the newest spans only, unless the filter is rare; and nobody knows beforehand how rare it is.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from apps.analytics.query import TimeRange

__all__ = ["HourCount", "windows"]

HourCount = tuple[datetime, int]
_FIRST = 1_000
_GROWTH = 4
_HOUR = timedelta(hours=1)


def windows(counts: Sequence[HourCount], time_range: TimeRange, *, most: int = 2**40) -> Iterator[TimeRange]:
    """Adjoining parts of the range, newest first, all of it together, with about `most` spans at most.

    `counts`: spans of each hour that has any, newest first.
    """
    end = time_range.end
    target = _FIRST
    gathered = 0
    for hour, spans in counts:
        if hour >= end:
            continue
        for start, count in _slices(hour, spans, target):
            gathered += count
            cut = max(start, time_range.start)
            if gathered >= target and cut < end:
                yield TimeRange(cut, end)
                end, gathered, target = cut, 0, min(target * _GROWTH, most)
    if end > time_range.start:
        yield TimeRange(time_range.start, end)


def _slices(hour: datetime, spans: int, target: int) -> Iterator[tuple[datetime, int]]:
    """A busy hour in even slices, newest first: within it nothing is known."""
    pieces = min(60, max(1, spans // target))
    step = _HOUR / pieces
    for piece in reversed(range(pieces)):
        yield hour + step * piece, spans // pieces
