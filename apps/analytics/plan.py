"""Query → Plan: which tables answer, in which bucket width, cut where. Pure; every decision is a value that a test can
compare.

The roll-ups know model, provider, kind, environment and source; a query about anything else reads the spans. A range
is laid with the coarsest steps that lie wholly inside one bucket of the answer; its ragged ends, and the steps that a
local midnight cuts in two (India's 18:30 UTC), come from finer tables.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from apps.analytics.query import Field, Query, TimeRange
from apps.analytics.sql.metrics import LATENCY_METRICS, METRICS

__all__ = [
    "LATENCY",
    "TIME",
    "USAGE",
    "Level",
    "Plan",
    "Rollup",
    "Source",
    "Tile",
    "Width",
    "bucket_starts",
    "by_spans",
    "plan_query",
    "width_for",
]

TIME = "time"
_MINUTE = timedelta(minutes=1)


class Source(StrEnum):
    """Where the numbers are read."""

    ROLLUP = "rollup"
    SPANS = "spans"


@dataclass(frozen=True, slots=True)
class Width:
    """How much time one bucket covers; a day or more follows the calendar of the query's time zone."""

    seconds: int
    label: str


MINUTE = Width(60, "minute")
FIVE_MINUTES = Width(300, "5 minutes")
QUARTER = Width(900, "15 minutes")
HALF_HOUR = Width(1800, "30 minutes")
HOUR = Width(3600, "hour")
SIX_HOURS = Width(21_600, "6 hours")
DAY = Width(86_400, "day")
WEEK = Width(604_800, "week")
MONTH = Width(2_592_000, "month")
_WIDTHS = (
    (timedelta(hours=1), MINUTE),
    (timedelta(hours=6), FIVE_MINUTES),
    (timedelta(hours=12), QUARTER),
    (timedelta(days=2), HALF_HOUR),
    (timedelta(days=5), HOUR),
    (timedelta(days=14), SIX_HOURS),
    (timedelta(days=120), DAY),
    (timedelta(days=800), WEEK),
)


@dataclass(frozen=True, slots=True)
class Level:
    """A table whose rows cover one step of time each. `calls_only`: it holds calls to models and no column of kinds."""

    table: str
    step: timedelta
    calls_only: bool = False


@dataclass(frozen=True, slots=True)
class Rollup:
    """Levels that know the same, the coarsest first and the minute last."""

    levels: tuple[Level, ...]
    fields: frozenset[Field]
    metrics: frozenset[str]


_MINUTES = Level("usage_by_minute", _MINUTE)
ROLLUP_FIELDS = frozenset({Field.MODEL, Field.PROVIDER, Field.KIND, Field.ENVIRONMENT, Field.SOURCE})
USAGE = Rollup(
    (Level("usage_by_hour", timedelta(hours=1)), _MINUTES),
    ROLLUP_FIELDS,
    frozenset(name for name, metric in METRICS.items() if metric.rollup),
)
LATENCY = Rollup(
    (
        Level("latency_by_six_hours", timedelta(hours=6), calls_only=True),
        Level("latency_by_half_hour", timedelta(minutes=30), calls_only=True),
        _MINUTES,
    ),
    frozenset({Field.MODEL, Field.PROVIDER}),
    frozenset(LATENCY_METRICS),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """What is read from one level: ranges of whole steps, in order, that do not touch."""

    level: Level
    ranges: tuple[TimeRange, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What sql/aggregate.py puts into words. `starts` is empty when time is no dimension; `tiles` when the spans
    answer.
    """

    query: Query
    source: Source
    width: Width | None = None
    starts: tuple[datetime, ...] = ()
    tiles: tuple[Tile, ...] = ()


def plan_query(query: Query) -> Plan:
    """Choose the tables and the buckets."""
    width = width_for(query.range) if TIME in query.dimensions else None
    starts = bucket_starts(query.range, width=width, zone=query.time_zone) if width else ()
    rollup = next((rollup for rollup in (LATENCY, USAGE) if _knows(rollup, query)), None)
    if rollup is None:
        return Plan(query=query, source=Source.SPANS, width=width, starts=starts)
    whole = TimeRange(_floor(query.range.start, _MINUTE), _ceiling(query.range.end, _MINUTE))
    cuts = [start for start in (_floor(start, _MINUTE) for start in starts) if whole.start < start < whole.end]
    edges = [whole.start, *cuts, whole.end]
    tiles = _tiles(rollup.levels, [TimeRange(start, end) for start, end in pairwise(edges)])
    return Plan(query=query, source=Source.ROLLUP, width=width, starts=starts, tiles=tiles)


def by_spans(plan: Plan) -> Plan:
    """The same answer from the spans themselves, of the whole minutes that a roll-up answers for."""
    ranges = [part for tile in plan.tiles for part in tile.ranges]
    if not ranges:
        return replace(plan, source=Source.SPANS)
    whole = TimeRange(min(part.start for part in ranges), max(part.end for part in ranges))
    return replace(plan, query=replace(plan.query, range=whole), source=Source.SPANS, tiles=())


def _tiles(levels: Sequence[Level], left: Iterable[TimeRange]) -> tuple[Tile, ...]:
    """Lay every stretch with the coarsest steps that fit into it; what they leave is laid with the next finer ones."""
    tiles: list[Tile] = []
    for level in levels:
        laid: list[TimeRange] = []
        rest: list[TimeRange] = []
        for stretch in left:
            start, end = _ceiling(stretch.start, level.step), _floor(stretch.end, level.step)
            if start >= end:
                rest.append(stretch)
                continue
            laid.append(TimeRange(start, end))
            rest += [TimeRange(stretch.start, start), TimeRange(end, stretch.end)]
        left = [stretch for stretch in rest if stretch.start < stretch.end]
        if laid:
            tiles.append(Tile(level, _joined(laid)))
    return tuple(tiles)


def _joined(ranges: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """Neighbours become one."""
    joined: list[TimeRange] = []
    for part in ranges:
        if joined and joined[-1].end == part.start:
            joined[-1] = TimeRange(joined[-1].start, part.end)
        else:
            joined.append(part)
    return tuple(joined)


def width_for(time_range: TimeRange) -> Width:
    """Between 30 and 120 buckets for any usual range."""
    return next((width for longest, width in _WIDTHS if time_range.length <= longest), MONTH)


def bucket_starts(time_range: TimeRange, *, width: Width, zone: str) -> tuple[datetime, ...]:
    """The start of every bucket that the range touches, in UTC; the first one may lie before the range."""
    if width.seconds <= HOUR.seconds:
        step = timedelta(seconds=width.seconds)
        return _steps(_floor(time_range.start, step), time_range.end, step)
    place = ZoneInfo(zone)
    local = time_range.start.astimezone(place)
    midnight = datetime(local.year, local.month, local.day)  # noqa: DTZ001  (a wall clock, placed below)
    if width is WEEK:
        midnight -= timedelta(days=midnight.weekday())
    elif width is MONTH:
        midnight = midnight.replace(day=1)
    starts: list[datetime] = []
    while (start := midnight.replace(tzinfo=place).astimezone(UTC)) < time_range.end:
        starts.append(start)
        midnight = _next(midnight, width)
    later = [start for start in starts if start > time_range.start]
    return (starts[len(starts) - len(later) - 1], *later)


def _next(midnight: datetime, width: Width) -> datetime:
    if width is MONTH:
        return (midnight + timedelta(days=32)).replace(day=1)
    return midnight + timedelta(seconds=width.seconds)


def _steps(start: datetime, end: datetime, step: timedelta) -> tuple[datetime, ...]:
    return tuple(start + step * number for number in range(-((start - end) // step)))


def _knows(table: Rollup, query: Query) -> bool:
    return (
        not query.text
        and all(condition.field in table.fields for condition in query.filters)
        and all(name in table.metrics for name in query.metrics)
        and all(name == TIME or name in {field.value for field in table.fields} for name in query.dimensions)
    )


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = int(step.total_seconds())
    whole = int(moment.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(whole, UTC)


def _ceiling(moment: datetime, step: timedelta) -> datetime:
    floor = _floor(moment, step)
    return floor if floor == moment else floor + step
