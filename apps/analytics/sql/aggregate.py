"""Plan → one SELECT: dimensions, metrics, filters, order, limit. Never decides anything that plan.py could have
decided.
"""

from datetime import datetime

from apps.analytics.plan import TIME, Plan, Source, Tile
from apps.analytics.query import Order, TimeRange
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.metrics import (
    CALL,
    LATENCY_MERGES,
    METRICS,
    ROLLUP_LATENCY_STATES,
    SPANS_LATENCY_STATES,
)
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement
from ingestion.records import CALL_KINDS

__all__ = ["aggregate_statement", "latency_statement", "sums_statement"]

_SUMMED = (
    "spans",
    "roots",
    "errors",
    "unpriced",
    "estimated",
    "cost_usd",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_SKETCHES = "duration_quantiles, ttft_quantiles, ttft_count"
_USAGE_COLUMNS = (
    f"bucket, kind, provider, model, environment, source, billable, repeated, {', '.join(_SUMMED)}, {_SKETCHES}"
)
_CALLS_COLUMNS = f"bucket, '{CALL_KINDS[0].value}' AS kind, false AS repeated, provider, model, {_SKETCHES}"
_MINUTE_COLUMNS = f"bucket, kind, repeated, provider, model, {_SKETCHES}"  # beside a table of calls
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in _SUMMED)
# A sketch gives the value of the rank below; of few values, interpolation between the two ranks says something else.
_EXACT = "quantilesExactInclusive{}(0.5, 0.95, 0.99)({})"
_EXACT_STATES = ", ".join(
    _EXACT.format("StateIf", f"toFloat64(ifNull({column}, 0)), {CALL} AND {column} IS NOT NULL") + f" AS {name}"
    for name, column in (("latency", "duration_us"), ("ttft", "ttft_us"))
)
_EXACT_MERGES = ", ".join(
    f"{_EXACT.format('Merge', state)}[{position}] / 1e6" for state in ("latency", "ttft") for position in (1, 2, 3)
)
# In total, over time, by model, and by model over time.
_CUTS = "GROUPING SETS ((), (t), (model, provider), (t, model, provider))"


def aggregate_statement(plan: Plan, *, tag: str) -> Statement:
    """Columns: the dimensions in order (time as the bucket's number, from 0), then the metrics in order."""
    query = plan.query
    where = Where()
    spans = plan.source is Source.SPANS
    moment = "toUInt32(toUnixTimestamp(start_time))" if spans else "toUInt32(bucket)"
    selected = [
        f"{_time(where, plan.starts, moment)} AS d{number}"
        if name == TIME
        else f"{(DIMENSIONS[name].spans if spans else DIMENSIONS[name].rollup)} AS d{number}"
        for number, name in enumerate(query.dimensions)
    ]
    metrics = [(METRICS[name].spans if spans else METRICS[name].rollup) for name in query.metrics]
    selected += [f"{expression} AS m{number}" for number, expression in enumerate(metrics)]
    source = _spans(where, plan) if spans else _rollup(where, plan)
    sql = f"SELECT {', '.join(selected)} FROM {source}"
    if query.dimensions:
        sql += " GROUP BY " + ", ".join(f"d{number}" for number in range(len(query.dimensions)))
        sql += " ORDER BY " + _order(plan) + f" LIMIT {where.bind(query.limit)}"
    return Statement(sql, where.values, tag)


def sums_statement(plan: Plan, *, tag: str) -> Statement:
    """The metrics in total, over time, by model and by model over time: one pass over the rows of a roll-up, and four
    over the few that it leaves.

    Columns: whether time and model are left out (1) or not (0), the bucket's number, model, provider, the metrics. The
    totals come first, then the dearest: should there be more rows than the limit, those that cost least are missing.
    """
    where = Where()
    query = plan.query
    spans = plan.source is Source.SPANS
    metrics = [(METRICS[name].spans if spans else METRICS[name].rollup) for name in query.metrics]
    if spans:
        time = f"{_time(where, plan.starts, 'toUInt32(toUnixTimestamp(start_time))')} AS t"
        source = _spans(where, plan)
    else:
        time = "t"
        keys = "kind, model, provider, billable, repeated"
        source = (
            f"(SELECT {_time(where, plan.starts, 'toUInt32(bucket)')} AS t, {keys}, {_SUMS} "
            f"FROM {_rollup(where, plan)} GROUP BY t, {keys})"
        )
    selected = ", ".join(f"{expression} AS m{number}" for number, expression in enumerate(metrics))
    sql = (
        f"SELECT grouping(t) AS no_time, grouping(model) AS no_model, {time}, model, provider, {selected} "
        f"FROM {source} GROUP BY {_CUTS} "
        f"ORDER BY no_time + no_model DESC, m{query.metrics.index('cost')} DESC NULLS LAST "
        f"LIMIT {where.bind(query.limit)}"
    )
    return Statement(sql, where.values, tag)


def latency_statement(plan: Plan, *, tag: str, exact: bool = False) -> Statement:
    """Latency in total, over time and by model in one pass: the sketches of the finest groups are merged thrice, the
    stored ones once. `exact`, of a plan that reads spans, keeps every value instead: for few of them.

    Columns: whether time and model are left out (1) or not (0), the bucket's number, model, provider, then
    LATENCY_COLUMNS.
    """
    where = Where()
    spans = plan.source is Source.SPANS
    moment = "toUInt32(toUnixTimestamp(start_time))" if spans else "toUInt32(bucket)"
    time = _time(where, plan.starts, moment)
    source = _spans(where, plan) if spans else _rollup(where, plan)
    states, merges = SPANS_LATENCY_STATES if spans else ROLLUP_LATENCY_STATES, LATENCY_MERGES
    if exact:
        states, merges = _EXACT_STATES, _EXACT_MERGES
    sql = (
        f"SELECT grouping(t), grouping(model), t, model, provider, {merges} "
        f"FROM (SELECT {time} AS t, model, provider, {states} FROM {source} GROUP BY t, model, provider) "
        f"GROUP BY GROUPING SETS ((), (t), (model, provider)) LIMIT {where.bind(plan.query.limit)}"
    )
    return Statement(sql, where.values, tag)


def _time(where: Where, starts: tuple[datetime, ...], moment: str) -> str:
    edges = where.bind([int(start.timestamp()) for start in starts])
    return f"toUInt16(indexOf({edges}, roundDown({moment}, {edges})) - 1)"


def _order(plan: Plan) -> str:
    query = plan.query
    dimensions = ", ".join(f"d{number}" for number in range(len(query.dimensions)))
    if TIME in query.dimensions and not query.order_by:
        return dimensions
    position = query.metrics.index(query.order_by) if query.order_by else 0
    if not query.metrics:
        return dimensions
    direction = "DESC NULLS LAST" if query.order is Order.DESCENDING else "ASC NULLS LAST"
    return f"m{position} {direction}, {dimensions}"


def _spans(where: Where, plan: Plan) -> str:
    query = plan.query
    where.project(query.project_id)
    where.starts_within(query.range)
    where.filters(query.filters)
    where.text(query.text, query.text_mode)
    return f"spans WHERE {where.sql}"


def _rollup(where: Where, plan: Plan) -> str:
    """The rows of every tile: no step is in two."""
    shared = Where(values=where.values)
    shared.project(plan.query.project_id)
    shared.filters(plan.query.filters)
    calls_only = any(tile.level.calls_only for tile in plan.tiles)
    parts = [
        f"SELECT {_columns(tile, beside_calls=calls_only)} FROM {tile.level.table} "
        f"WHERE {shared.sql} AND ({' OR '.join(_within(where, part) for part in tile.ranges)})"
        for tile in plan.tiles
    ]
    return f"({' UNION ALL '.join(parts)})"


def _columns(tile: Tile, *, beside_calls: bool) -> str:
    if tile.level.calls_only:
        return _CALLS_COLUMNS
    return _MINUTE_COLUMNS if beside_calls else _USAGE_COLUMNS


def _within(where: Where, part: TimeRange) -> str:
    start, end = where.bind(int(part.start.timestamp())), where.bind(int(part.end.timestamp()))
    return f"(bucket >= toDateTime({start}, 'UTC') AND bucket < toDateTime({end}, 'UTC'))"
