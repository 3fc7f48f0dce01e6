"""Reads of scores. Of each id the last updated version counts, and none when that one takes it back.

Which ids are meant is found first, over all versions: a correction may have moved a score to another name or trace, and
an old version must not stand in for it.
"""

from collections.abc import Sequence
from datetime import datetime

from apps.analytics.query import Field, Query
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "SCORE_COLUMNS",
    "SCORE_FIELDS",
    "score_courses_statement",
    "score_names_statement",
    "score_statement",
    "scores_statement",
    "trace_has_scores",
    "trace_scores",
]

SCORE_COLUMNS = (
    "id",
    "trace_id",
    "span_id",
    "session_id",
    "name",
    "data_type",
    "value",
    "text_value",
    "source",
    "author",
    "comment",
    "evaluator",
    "evaluator_version",
    "environment",
    "metadata",
    "cost_usd",
    "timestamp",
    "received_at",
    "updated_at",
)
SCORE_FIELDS = {
    Field.NAME: "name",
    Field.TRACE: "trace_id",
    Field.SESSION: "session_id",
    Field.SOURCE: "source",
    Field.ENVIRONMENT: "environment",
}
_LIST = ", ".join(SCORE_COLUMNS)


def scores_statement(query: Query, *, limit: int, before: tuple[datetime, str] | None) -> Statement:
    """Scores of the range, newest first, after the place `before`."""
    where = _listed(query)
    final = " AND ".join(where.clauses[1:])
    if before is not None:
        at, name = where.bind(micros(before[0]) // 1000), where.bind(before[1])
        final += f" AND (toUnixTimestamp64Milli(timestamp), id) < ({at}, {name})"
    return Statement(
        f"SELECT {_LIST} FROM ({_newest(where)}) WHERE NOT deleted AND {final} "
        f"ORDER BY timestamp DESC, id DESC LIMIT {where.bind(limit)}",
        where.values,
        "scores.list",
    )


def trace_has_scores(project_id: int, trace_id: str, session_id: str) -> Statement:
    """One number, not 0 where a trace may have scores: a quarter of the work of reading none."""
    where, _ = _of_trace(project_id, trace_id, session_id)
    return Statement(
        f"SELECT count() FROM (SELECT 1 FROM scores WHERE {where.sql} LIMIT 1)",
        where.values,
        "scores.trace_any",
        by_key=True,
    )


def trace_scores(project_id: int, trace_id: str, session_id: str, *, limit: int) -> Statement:
    """Scores of one trace, its spans and its session, in the order in which they were given."""
    where, meant = _of_trace(project_id, trace_id, session_id)
    return Statement(
        f"SELECT {_LIST} FROM ({_newest(where)}) WHERE NOT deleted AND {meant} "
        f"ORDER BY timestamp, id LIMIT {where.bind(limit)}",
        where.values,
        "scores.trace",
    )


def _of_trace(project_id: int, trace_id: str, session_id: str) -> tuple[Where, str]:
    where = Where()
    where.project(project_id)
    meant = f"trace_id = {where.bind(trace_id)}"
    if session_id:
        meant = f"({meant} OR (trace_id = '' AND session_id = {where.bind(session_id)}))"
    where.add(meant)
    return where, meant


def score_statement(project_id: int, score_id: str) -> Statement:
    """One score, or nothing."""
    where = Where()
    where.project(project_id)
    where.add(f"id = {where.bind(score_id)}")
    return Statement(
        f"SELECT {_LIST} FROM (SELECT {_LIST}, deleted FROM scores WHERE {where.sql} "
        "ORDER BY updated_at DESC LIMIT 1) WHERE NOT deleted",
        where.values,
        "scores.one",
    )


def score_names_statement(query: Query, *, limit: int) -> Statement:
    """Name, data type, count, those without a verdict, mean, least and most, last time; the most used first."""
    where = _listed(query)
    final = " AND ".join(where.clauses[1:])
    return Statement(
        "SELECT name, data_type, count() AS scores, countIf(value IS NULL AND text_value = ''), "
        "avgIf(value, value IS NOT NULL), min(value), max(value), max(timestamp) "
        f"FROM ({_newest(where)}) WHERE NOT deleted AND {final} "
        f"GROUP BY name, data_type ORDER BY scores DESC, name, data_type LIMIT {where.bind(limit)}",
        where.values,
        "scores.names",
    )


def score_courses_statement(query: Query, starts: Sequence[datetime], *, limit: int) -> Statement:
    """Name, data type, number of the bucket, count, mean (NULL where none is a number)."""
    where = _listed(query)
    final = " AND ".join(where.clauses[1:])
    edges = where.bind([int(start.timestamp()) for start in starts])
    at = f"toUInt16(indexOf({edges}, roundDown(toUInt32(toUnixTimestamp(timestamp)), {edges})) - 1)"
    return Statement(
        f"SELECT name, data_type, {at} AS t, count(), if(count(value) = 0, NULL, avg(value)) "
        f"FROM ({_newest(where)}) WHERE NOT deleted AND {final} "
        f"GROUP BY name, data_type, t ORDER BY name, data_type, t LIMIT {where.bind(limit)}",
        where.values,
        "scores.courses",
    )


def _newest(where: Where) -> str:
    """The last version of every score of which some version fits."""
    project = where.clauses[0]
    return (
        f"SELECT {_LIST}, deleted FROM scores WHERE {project} AND id IN (SELECT id FROM scores WHERE {where.sql}) "
        "ORDER BY updated_at DESC LIMIT 1 BY id"
    )


def _listed(query: Query) -> Where:
    where = Where()
    where.project(query.project_id)
    start, end = (where.bind(micros(moment) // 1000) for moment in (query.range.start, query.range.end))
    where.add(f"timestamp >= fromUnixTimestamp64Milli({start}, 'UTC')")
    where.add(f"timestamp < fromUnixTimestamp64Milli({end}, 'UTC')")
    for condition in query.filters:
        clause = f"{SCORE_FIELDS[condition.field]} IN {where.bind(condition.values)}"
        where.add(f"NOT ({clause})" if condition.negated else clause)
    return where
