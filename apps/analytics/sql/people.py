"""Reads of sessions and users: one group of spans each."""

from datetime import datetime
from enum import StrEnum

from apps.analytics.query import Query
from apps.analytics.sql.metrics import CALL
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = ["PEOPLE_COLUMNS", "Subject", "people_statement"]


class Subject(StrEnum):
    """What spans are grouped by."""

    SESSION = "session"
    USER = "user"


_ID = {Subject.SESSION: "session_id", Subject.USER: "user_id"}
_COLUMNS = {
    "first": "min(start_time)",
    "last": "max(start_time)",
    "traces": "uniq(trace_id)",
    "spans": "count()",
    "calls": f"countIf({CALL})",
    "errors": "countIf(status NOT IN ('ok', 'unset'))",
    "users": "uniqIf(user_id, user_id != '')",
    "sessions": "uniqIf(session_id, session_id != '')",
    "input_tokens": "sumIf(input_tokens, billable)",
    "output_tokens": "sumIf(output_tokens, billable)",
    "cost": "sumIf(toDecimal128(cost_usd, 12), billable)",
    "unpriced": "countIf(billable AND cost_usd IS NULL)",
    "billable": "countIf(billable)",
}
PEOPLE_COLUMNS = ("id", *_COLUMNS)


def people_statement(query: Query, subject: Subject, *, limit: int, before: tuple[datetime, str] | None) -> Statement:
    """Last seen first, after the place `before`.

    The page is chosen from three light columns; only its own groups are then counted in full.
    """
    column = _ID[subject]
    where = Where()
    where.project(query.project_id)
    where.starts_within(query.range)
    where.add(f"{column} != ''")
    where.filters(query.filters)
    where.text(query.text, query.text_mode)
    having = ""
    if before is not None:
        at, name = where.bind(micros(before[0])), where.bind(before[1])
        having = f"HAVING (toUnixTimestamp64Micro(max(start_time)), {column}) < ({at}, {name}) "
    chosen = (
        f"SELECT {column} FROM spans WHERE {where.sql} GROUP BY {column} {having}"
        f"ORDER BY max(start_time) DESC, {column} DESC LIMIT {where.bind(limit)}"
    )
    columns = ", ".join(f"{expression} AS c_{name}" for name, expression in _COLUMNS.items())
    return Statement(
        f"SELECT {column}, {columns} FROM spans WHERE {where.sql} AND {column} IN ({chosen}) "
        f"GROUP BY {column} ORDER BY c_last DESC, {column} DESC",
        where.values,
        f"people.{subject.value}",
    )
