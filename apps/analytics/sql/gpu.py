"""Reads of `gpu_samples`: single samples, what gauges said, by how much counters grew; and the calls of a window."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from apps.analytics.query import TimeRange
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "aspect",
    "calls_statement",
    "gauges_statement",
    "increases_statement",
    "moment_statement",
    "samples_statement",
    "within",
]

# Labels that make several series of one metric of one device; a reader needs them, and one of them at a time is set.
_ASPECTS = (
    "hw.gpu.task",
    "hw.gpu.unit",
    "hw.state",
    "hw.parent",
    "error.type",
    "spanmeter.gpu.reason",
    "spanmeter.serving.state",
    "spanmeter.serving.reason",
    "spanmeter.serving.phase",
    "gen_ai.token.type",
)
_LONGEST_CALL = timedelta(hours=6)  # a call that began earlier than that before the window is not looked for


def samples_statement(
    project_id: int,
    time_range: TimeRange,
    *,
    only: Mapping[str, tuple[str, ...]],
    limit: int,
    after: tuple[int, int] | None,
) -> Statement:
    """Newest first. `only`: column → values. `after`: a time in ms, and how many rows of that very time were shown."""
    where = within(project_id, time_range)
    for column in ("metric", "host", "device", "model"):
        if only.get(column):
            where.add(f"{column} IN {where.bind(only[column])}")
    skip = 0
    if after is not None:
        where.add(f"time <= fromUnixTimestamp64Milli({where.bind(after[0])}, 'UTC')")
        skip = after[1]
    return Statement(
        "SELECT metric, host, device, model, time, value, unit, instrument, start_time, labels FROM gpu_samples "
        f"WHERE {where.sql} ORDER BY time DESC, metric, host, device, model, cityHash64(toString(labels)) "
        f"LIMIT {where.bind(limit)} OFFSET {where.bind(skip)}",
        where.values,
        "gpu.samples",
    )


def gauges_statement(project_id: int, time_range: TimeRange, metrics: tuple[str, ...]) -> Statement:
    """Metric, host, device, model, aspect, labels of one, last, mean, highest, first and last time, of each series."""
    where = within(project_id, time_range)
    where.add(f"metric IN {where.bind(metrics)}")
    return Statement(
        f"SELECT metric, host, device, model, {aspect(where)} AS aspect, argMax(labels, time), argMax(value, time), "
        f"avg(value), max(value), min(time), max(time) FROM gpu_samples WHERE {where.sql} "
        "GROUP BY metric, host, device, model, aspect ORDER BY metric, host, device, model, aspect",
        where.values,
        "gpu.gauges",
    )


def increases_statement(project_id: int, time_range: TimeRange, metrics: tuple[str, ...]) -> Statement:
    """Metric, host, device, model, aspect, le, and by how much that grew; a counter that fell began again at zero."""
    where = within(project_id, time_range)
    where.add(f"metric IN {where.bind(metrics)}")
    grown = (
        "arraySum((before, after) -> if(after.2 >= before.2, after.2 - before.2, after.2), "
        "arrayPopBack(points), arrayPopFront(points))"
    )
    series = (
        f"SELECT metric, host, device, model, {aspect(where)} AS aspect, labels['le'] AS le, "
        "endsWith(any(instrument), '.delta') AS delta, arraySort(groupArray((time, value))) AS points "
        f"FROM gpu_samples WHERE {where.sql} "
        "GROUP BY metric, host, device, model, aspect, le, cityHash64(toString(labels))"
    )
    return Statement(
        "SELECT metric, host, device, model, aspect, le, "
        f"sum(if(delta, arraySum(points.2), {grown})) FROM ({series}) "
        "GROUP BY metric, host, device, model, aspect, le ORDER BY metric, host, device, model, aspect, le",
        where.values,
        "gpu.increases",
    )


def calls_statement(project_id: int, time_range: TimeRange, models: tuple[str, ...], *, limit: int) -> Statement:
    """Calls of these models that were in flight in the window: span, trace, start and end in µs; tokens together, of
    input and of output, or NULL.
    """
    where = Where()
    where.project(project_id)
    where.starts_within(TimeRange(time_range.start - _LONGEST_CALL, time_range.end))
    where.add(f"end_time > {where.moment(time_range.start)}")
    where.add("billable")
    names = where.bind(models)
    where.add(f"(model IN {names} OR model_requested IN {names})")
    return Statement(
        "SELECT span_id, trace_id, toUnixTimestamp64Micro(start_time), toUnixTimestamp64Micro(end_time), "
        "if(isNull(input_tokens) AND isNull(output_tokens), NULL, ifNull(input_tokens, 0) + ifNull(output_tokens, 0)), "
        "input_tokens, output_tokens "
        f"FROM spans WHERE {where.sql} ORDER BY start_time, span_id LIMIT {where.bind(limit)}",
        where.values,
        "gpu.calls",
    )


def moment_statement(
    project_id: int,
    around: TimeRange,
    *,
    start: datetime,
    end: datetime,
    metrics: tuple[str, ...],
    hosts: tuple[str, ...] = (),
    models: tuple[str, ...] = (),
) -> Statement:
    """Metric, host, device, model, aspect, hw.model, hw.parent, mean from `start` to `end` (NULL without a sample),
    the value nearest to their middle, its distance in seconds; of each series in `around`.
    """
    where = within(project_id, around)
    where.add(f"metric IN {where.bind(metrics)}")
    if hosts:
        where.add(f"host IN {where.bind(hosts)}")
    if models:
        where.add(f"model IN {where.bind(models)}")
    first, last = _millis(where, start), _millis(where, end)
    middle = where.bind((micros(start) + micros(end)) // 2000)
    inside = f"time >= {first} AND time <= {last}"
    far = f"abs(toInt64(toUnixTimestamp64Milli(time)) - {middle})"
    return Statement(
        f"SELECT metric, host, device, model, {aspect(where)} AS aspect, any(labels['hw.model']), "
        f"any(labels['hw.parent']), avgOrNullIf(value, {inside}), argMin(value, {far}), min({far}) / 1000 "
        f"FROM gpu_samples WHERE {where.sql} GROUP BY metric, host, device, model, aspect "
        "ORDER BY metric, host, device, model, aspect",
        where.values,
        "gpu.moment",
    )


def within(project_id: int, time_range: TimeRange) -> Where:
    """Samples of a project in a range."""
    where = Where()
    where.project(project_id)
    where.add(f"time >= {_millis(where, time_range.start)}")
    where.add(f"time < {_millis(where, time_range.end)}")
    return where


def _millis(where: Where, moment: datetime) -> str:
    return f"fromUnixTimestamp64Milli({where.bind(micros(moment) // 1000)}, 'UTC')"


def aspect(where: Where) -> str:
    """The labels that tell series of one metric of one device apart, as one text."""
    labels = ", ".join(f"labels[{where.bind(name)}]" for name in _ASPECTS)
    return f"arrayStringConcat(arrayFilter(label -> label != '', [{labels}]), '/')"
