"""A metric over time in steps of the caller's own, by group; and up to when anything is known. Holds no SQL."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.analytics.query import Query, TimeRange
from apps.analytics.run import Reads
from apps.analytics.sql.series import newest_statement, series_statement

__all__ = ["GroupSeries", "Sample", "metric_series", "newest_minute", "series_from"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One step that has rows. `value` is None where they do not say; `samples` is the number of calls behind it."""

    start: datetime
    value: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class GroupSeries:
    """A group by its dimensions' values, and its steps in order of time. Steps without rows are left out."""

    group: tuple[str, ...]
    samples: tuple[Sample, ...]


def metric_series(
    reads: Reads,
    query: Query,
    *,
    origin: datetime,
    step: timedelta,
    parts: Sequence[TimeRange] = (),
    tag: str = "series",
) -> tuple[GroupSeries, ...]:
    """Read `query.metrics[0]` by `query.dimensions` in steps counted from `origin`, which is not after any part.

    Without `parts` the whole range is read. Without dimensions there is one group, always.
    """
    statement = series_statement(query, parts or (query.range,), origin=origin, step=int(step.total_seconds()), tag=tag)
    return series_from(reads.rows(statement), len(query.dimensions), origin=origin, step=step)


def series_from(
    rows: Sequence[Sequence[Any]], width: int, *, origin: datetime, step: timedelta
) -> tuple[GroupSeries, ...]:
    """Rows of `width` dimensions and the three arrays of sql/series.py."""
    found = []
    for row in rows:
        steps, values, samples = row[width:]
        points = [
            Sample(origin + step * int(number), float(value) if math.isfinite(value) else None, int(count))
            for number, value, count in zip(steps, values, samples, strict=True)
        ]
        found.append(GroupSeries(tuple(row[:width]), tuple(sorted(points, key=lambda point: point.start))))
    return tuple(found)


def newest_minute(reads: Reads, project_id: int, time_range: TimeRange) -> datetime | None:
    """The latest minute of the range in which anything of the project began, or None."""
    rows = reads.rows(newest_statement(project_id, time_range))
    seconds = int(rows[0][0]) if rows else 0
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
