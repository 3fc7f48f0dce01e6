"""A number over time, as detectors see it. Pure: no store, no clock.

A missing point is None and never zero: not-a-number, infinity and an empty ratio are missing.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["MetricKind", "Point", "Series", "kind_of_unit", "number_or_missing"]


class MetricKind(StrEnum):
    """Which statistics fit a metric."""

    COUNT = "count"  # events: Poisson and its wider sister
    SUM = "sum"  # money, tokens: adds up over time
    RATIO = "ratio"  # a share of events, from 0 to 1
    MEASURE = "measure"  # a percentile or a mean: does not add up

    @property
    def adds_up(self) -> bool:
        """Whether nothing recorded, in a time that is known, is zero."""
        return self in {MetricKind.COUNT, MetricKind.SUM}


_KINDS = {"count": MetricKind.COUNT, "ratio": MetricKind.RATIO, "USD": MetricKind.SUM, "tokens": MetricKind.SUM}


def kind_of_unit(unit: str) -> MetricKind:
    """The kind of a metric of apps.analytics by its unit."""
    return _KINDS.get(unit, MetricKind.MEASURE)


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured from `start` on for one step; `weight` is the number of samples behind it, None if unknown."""

    start: datetime
    value: float | None
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points in order of time. They need not adjoin; each covers `step`. Seasons follow the calendar of `zone`."""

    step: timedelta
    points: tuple[Point, ...]
    kind: MetricKind = MetricKind.MEASURE
    zone: str = "UTC"

    def before(self, earlier: "Series") -> "Series":
        """This one, preceded by what `earlier` knows of the time before it."""
        if not self.points:
            return replace(self, points=earlier.points)
        first = self.points[0].start
        kept = tuple(point for point in earlier.points if point.start + earlier.step <= first)
        return replace(self, points=(*kept, *self.points))


def number_or_missing(value: object) -> float | None:
    """A cell of an answer as a number; anything that is none is missing."""
    if value is None or isinstance(value, str | datetime):
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
