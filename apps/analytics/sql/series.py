"""One metric over time in even steps, by group: one row a group, with arrays. For what must look at many points often.

Columns: the dimensions in order, then arrays of step numbers (from 0 at the origin), values and samples.
"""

from collections.abc import Sequence
from datetime import datetime

from apps.analytics.plan import USAGE
from apps.analytics.query import Query, TimeRange
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.metrics import METRICS
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement

__all__ = ["newest_statement", "series_statement"]

_MINUTE, _HOUR = 60, 3600
# Metrics of spans in general; the samples behind all others are calls.
_OF_SPANS = frozenset({"spans", "traces"})


def series_statement(
    query: Query, parts: Sequence[TimeRange], *, origin: datetime, step: int, tag: str = "series"
) -> Statement:
    """The query's first metric in the `parts` of time alone, largest groups first."""
    (metric,) = query.metrics
    where = Where()
    first, width = where.bind(int(origin.timestamp())), where.bind(step)
    rollup = _from_rollup(query, origin=origin, step=step)
    moment = "toUInt32(bucket)" if rollup else "toUInt32(toUnixTimestamp(start_time))"
    names = [f"d{number}" for number in range(len(query.dimensions))]
    dimensions = [DIMENSIONS[name].rollup if rollup else DIMENSIONS[name].spans for name in query.dimensions]
    samples = METRICS["spans" if metric in _OF_SPANS else "requests"]
    selected = [
        f"intDiv({moment} - {first}, {width}) AS step",
        *(f"toString({expression}) AS {name}" for name, expression in zip(names, dimensions, strict=True)),
        # A missing value travels as not-a-number: arrays leave NULL out.
        f"ifNull(toFloat64({METRICS[metric].rollup if rollup else METRICS[metric].spans}), nan) AS value",
        f"toUInt64({samples.rollup if rollup else samples.spans}) AS samples",
    ]
    source = _rows(where, query, parts, step=step, origin=origin, rollup=rollup)
    inner = f"SELECT {', '.join(selected)} FROM {source} GROUP BY {', '.join(['step', *names])}"
    outer = ", ".join([*names, "groupArray(step)", "groupArray(value)", "groupArray(samples)"])
    grouped = f" GROUP BY {', '.join(names)}" if names else ""
    order = f" ORDER BY {', '.join(['sum(samples) DESC', *names])} LIMIT {where.bind(query.limit)}" if names else ""
    return Statement(f"SELECT {outer} FROM ({inner}){grouped}{order}", where.values, tag)


def newest_statement(project_id: int, time_range: TimeRange) -> Statement:
    """The start of the latest minute of which anything of the project is stored, in Unix seconds; 0 for none."""
    where = Where()
    where.project(project_id)
    where.add(_within(where, time_range))
    return Statement(
        f"SELECT toUInt32(max(bucket)) FROM usage_by_minute WHERE {where.sql}", where.values, "series.newest"
    )


def _from_rollup(query: Query, *, origin: datetime, step: int) -> bool:
    known = {field.value for field in USAGE.fields}
    return (
        not query.text
        and step % _MINUTE == 0
        and int(origin.timestamp()) % _MINUTE == 0
        and METRICS[query.metrics[0]].rollup is not None
        and all(condition.field in USAGE.fields for condition in query.filters)
        and all(name in known for name in query.dimensions)
    )


def _rows(where: Where, query: Query, parts: Sequence[TimeRange], *, step: int, origin: datetime, rollup: bool) -> str:
    where.project(query.project_id)
    where.filters(query.filters)
    if not rollup:
        where.starts_within(TimeRange(min(part.start for part in parts), max(part.end for part in parts)))
        if len(parts) > 1:
            places = [(where.moment(part.start), where.moment(part.end)) for part in parts]
            # Said by the minute too, which is what the sort key holds.
            minutes = " OR ".join(
                f"(toStartOfMinute(start_time) >= {start} AND toStartOfMinute(start_time) < {end})"
                for start, end in places
            )
            where.add(f"({minutes})")
        where.text(query.text, query.text_mode)
        return f"spans WHERE {where.sql}"
    hours = step % _HOUR == 0 and int(origin.timestamp()) % _HOUR == 0
    where.add("(" + " OR ".join(f"({_within(where, part)})" for part in parts) + ")")
    return f"{'usage_by_hour' if hours else 'usage_by_minute'} WHERE {where.sql}"


def _within(where: Where, part: TimeRange) -> str:
    start, end = where.bind(int(part.start.timestamp())), where.bind(int(part.end.timestamp()))
    return f"bucket >= toDateTime({start}, 'UTC') AND bucket < toDateTime({end}, 'UTC')"
