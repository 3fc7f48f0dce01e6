"""What is usual at a moment: the points at the same hour of the week, else of the day, else the latest. Pure.

Hours are read off the wall of the series' zone, so that a season stays where people live through a change to summer
time. Only points before the moment are looked at.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from apps.alerts.detectors.wall_clock import shifted
from apps.alerts.series import Point, Series

__all__ = ["Peers", "Season", "middle_and_spread", "quantile"]

_WEEKS = 4
_DAYS = 7
_LATEST = 36
_FEW = 12
_TO_SIGMA = 1.4826  # median deviation of a normal distribution → its standard deviation


@dataclass(frozen=True, slots=True)
class Peers:
    """Points that one is compared with, and in words which they are."""

    points: tuple[Point, ...]
    what: str


class Season:
    """Finds the peers of any point of a series."""

    def __init__(self, series: Series) -> None:
        self._points = series.points
        self._starts = [point.start for point in series.points]
        self._zone = ZoneInfo(series.zone)
        self._around = max(series.step, timedelta(minutes=30))
        self._step = series.step

    def peers(self, index: int) -> Peers | None:
        """Those of the point, None when there are too few to say anything."""
        start = self._starts[index]
        weekly = [self._near(start, days=-7 * week, until=index) for week in range(1, _WEEKS + 1)]
        if sum(bool(one) for one in weekly) >= 2:
            found = tuple(point for one in weekly for point in one)
            if len(found) >= min(_FEW, 2 * self._of_one()):
                return Peers(found, "at this hour of the week")
        daily = [self._near(start, days=-day, until=index) for day in range(1, _DAYS + 1)]
        if sum(bool(one) for one in daily) >= 3:
            found = tuple(point for one in daily for point in one)
            if len(found) >= _FEW // 2:
                return Peers(found, "at this hour of the day")
        latest = tuple(point for point in self._points[max(0, index - _LATEST) : index] if point.value is not None)
        return Peers(latest, "lately") if len(latest) >= _FEW else None

    def _of_one(self) -> int:
        return 1 + 2 * int(self._around / self._step)

    def _near(self, start: datetime, *, days: int, until: int) -> list[Point]:
        place = shifted(start, days=days, zone=self._zone)
        first = bisect_left(self._starts, place - self._around)
        found = []
        for at in range(first, until):
            if self._starts[at] > place + self._around:
                break
            if self._points[at].value is not None:
                found.append(self._points[at])
        return found


def middle_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The median, and the median deviation from it as a standard deviation. Half of the values may be wild."""
    middle = median(values)
    return middle, _TO_SIGMA * median([abs(value - middle) for value in values])


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))]
