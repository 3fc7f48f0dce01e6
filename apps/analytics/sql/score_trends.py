"""Statements about the scores of one name, over judged rows: over time, by group, by value, the worst, beside cost."""

from collections.abc import Sequence
from datetime import datetime

from apps.analytics.query import Field, Query, TimeRange
from apps.analytics.sql.judged import SCORE_BY, SCORE_ONLY, judged
from apps.analytics.sql.metrics import SCORE_METRICS
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "bins_statement",
    "categories_statement",
    "comments_statement",
    "costs_statement",
    "groups_statement",
    "score_series_statement",
    "totals_statement",
    "worst_scores_statement",
]

_NUMBERS = "count(), countIf(failed), count(value), avg(value), min(value), max(value)"


def totals_statement(query: Query, name: str, starts: Sequence[datetime]) -> Statement:
    """Columns: whether it is the whole (1) or a bucket (0), the bucket's number, count, without a verdict, with a
    number, mean, least, most, the commonest data type.
    """
    where = Where()
    rows = _rows(where, query, name)
    return Statement(
        f"SELECT grouping(t) AS whole, t, {_NUMBERS}, topK(1)(data_type) "
        f"FROM (SELECT *, {_time(where, starts)} AS t FROM {rows}) GROUP BY GROUPING SETS ((), (t)) ORDER BY whole, t",
        where.values,
        "scores.totals",
    )


def groups_statement(query: Query, name: str, dimension: str, starts: Sequence[datetime], *, limit: int) -> Statement:
    """Columns: whole (1) or bucket (0), group, the bucket's number, count, without a verdict, with a number, mean,
    least, most, known cost, of how many. Whole groups first, the most scored first.
    """
    where = Where()
    rows = _rows(where, query, name, dimension)
    cost = "sum(cost), count(cost)" if dimension not in SCORE_ONLY else "NULL, 0"
    return Statement(
        f"SELECT grouping(t) AS whole, g, t, {_NUMBERS}, {cost} "
        f"FROM (SELECT *, toString({SCORE_BY[dimension].expression}) AS g, {_time(where, starts)} AS t FROM {rows}) "
        f"GROUP BY GROUPING SETS ((g), (g, t)) ORDER BY whole DESC, count() DESC, g LIMIT {where.bind(limit)}",
        where.values,
        "scores.groups",
    )


def bins_statement(query: Query, name: str, *, low: float, width: float, bins: int) -> Statement:
    """Columns: number of the bin from 0, count."""
    where = Where()
    rows = _rows(where, query, name)
    # The small addend: 0.7 belongs to the bin that begins at 0.7, which a binary fraction misses by a hair.
    first, size, last = where.bind(low), where.bind(width), where.bind(bins - 1)
    return Statement(
        f"SELECT toUInt32(least(greatest(floor((value - {first}) / {size} + 1e-9), 0), {last})) AS bin, count() "
        f"FROM {rows} WHERE value IS NOT NULL GROUP BY bin ORDER BY bin",
        where.values,
        "scores.bins",
    )


def categories_statement(query: Query, name: str, starts: Sequence[datetime], *, limit: int) -> Statement:
    """Columns: whole (1) or bucket (0), category, the bucket's number, count. Whole ones first, the commonest first."""
    where = Where()
    rows = _rows(where, query, name)
    return Statement(
        "SELECT grouping(t) AS whole, category, t, count() "
        f"FROM (SELECT *, {_time(where, starts)} AS t FROM {rows} WHERE value IS NULL AND category != '') "
        "GROUP BY GROUPING SETS ((category), (category, t)) "
        f"ORDER BY whole DESC, count() DESC, category LIMIT {where.bind(limit)}",
        where.values,
        "scores.categories",
    )


def worst_scores_statement(query: Query, name: str, *, highest: bool, failed: bool, limit: int) -> Statement:
    """Columns: id, trace_id, span_id, session_id, timestamp, value, category, model, user, trace name, evaluator. The
    lowest (or highest) value first, of one value the newest; with `failed` those without a verdict, the newest first.
    """
    where = Where()
    rows = _rows(where, query, name, "model")
    order = f"value {'DESC' if highest else 'ASC'} NULLS LAST, timestamp DESC, id"
    condition = " WHERE failed" if failed else " WHERE NOT failed"
    return Statement(
        "SELECT id, trace_id, span_id, session_id, timestamp, value, category, model, user_id, trace_name, evaluator "
        f"FROM {rows}{condition} ORDER BY {order} LIMIT {where.bind(limit)}",
        where.values,
        "scores.worst",
    )


def comments_statement(project_id: int, ids: Sequence[str], time_range: TimeRange) -> Statement:
    """Columns: id, comment of its last version. All were given in the range."""
    where = Where()
    where.project(project_id)
    where.add(f"timestamp >= fromUnixTimestamp64Milli({where.bind(micros(time_range.start) // 1000)}, 'UTC')")
    where.add(f"timestamp < fromUnixTimestamp64Milli({where.bind(micros(time_range.end) // 1000)}, 'UTC')")
    where.add(f"id IN {where.bind(tuple(ids))}")
    return Statement(
        f"SELECT id, argMax(comment, updated_at) FROM scores WHERE {where.sql} GROUP BY id",
        where.values,
        "scores.comments",
    )


def costs_statement(query: Query, name: str, *, limit: int) -> Statement:
    """Columns: model, provider, with a number, mean, known cost, of how many. The most scored first."""
    where = Where()
    rows = _rows(where, query, name, "model")
    return Statement(
        "SELECT model, provider, count(value) AS scores, avg(value), sum(cost), count(cost) AS priced "
        f"FROM {rows} GROUP BY model, provider HAVING scores > 0 AND priced > 0 "
        f"ORDER BY scores DESC, model, provider LIMIT {where.bind(limit)}",
        where.values,
        "scores.costs",
    )


def score_series_statement(
    query: Query, name: str, parts: Sequence[TimeRange], *, origin: datetime, step: int, tag: str
) -> Statement:
    """One metric of scores in even steps from the origin: the dimensions, then arrays of step, value and samples.

    As sql/series.py says it of spans, so that who watches numbers need not know where they come from.
    """
    (metric,) = query.metrics
    where = Where()
    spans = any(one not in SCORE_ONLY for one in query.dimensions)
    rows = judged(where, query.project_id, name, parts, filters=query.filters, spans=spans)
    first, width = where.bind(int(origin.timestamp())), where.bind(step)
    names = [f"d{number}" for number in range(len(query.dimensions))]
    selected = [
        f"intDiv(toUInt32(toUnixTimestamp(timestamp)) - {first}, {width}) AS step",
        *(f"toString({SCORE_BY[one].expression}) AS {name}" for name, one in zip(names, query.dimensions, strict=True)),
        f"ifNull(toFloat64({SCORE_METRICS[metric].scores}), nan) AS number",
        f"toUInt64({SCORE_METRICS[metric].samples}) AS samples",
    ]
    inner = f"SELECT {', '.join(selected)} FROM {rows} GROUP BY {', '.join(['step', *names])}"
    outer = ", ".join([*names, "groupArray(step)", "groupArray(number)", "groupArray(samples)"])
    grouped = f" GROUP BY {', '.join(names)}" if names else ""
    order = f" ORDER BY {', '.join(['sum(samples) DESC', *names])} LIMIT {where.bind(query.limit)}" if names else ""
    return Statement(f"SELECT {outer} FROM ({inner}){grouped}{order}", where.values, tag)


def _rows(where: Where, query: Query, name: str, dimension: str = "source") -> str:
    spans = dimension not in SCORE_ONLY or any(one.field is not Field.SOURCE for one in query.filters)
    return judged(where, query.project_id, name, (query.range,), filters=query.filters, spans=spans)


def _time(where: Where, starts: Sequence[datetime]) -> str:
    edges = where.bind([int(start.timestamp()) for start in starts])
    return f"toUInt16(indexOf({edges}, roundDown(toUInt32(toUnixTimestamp(timestamp)), {edges})) - 1)"
