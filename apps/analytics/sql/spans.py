"""Reads of single spans: lists of them, one trace's, one span's texts."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from apps.analytics.query import Query, TextMode, TimeRange
from apps.analytics.rows import SpanRow, SpanText
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "SPAN_COLUMNS",
    "TEXT_COLUMNS",
    "locate_statement",
    "span_statement",
    "spans_statement",
    "trace_spans_statement",
    "trace_statement",
]

_RENAMED = {
    "start": "start_time",
    "end": "end_time",
    "duration": "duration_us",
    "ttft": "ttft_us",
    "queue": "queue_us",
}
SPAN_COLUMNS = tuple(field.name for field in fields(SpanRow))
TEXT_COLUMNS = tuple(field.name for field in fields(SpanText))
_LIGHT = ", ".join(_RENAMED.get(name, name) for name in SPAN_COLUMNS)
_HEAVY = ", ".join(TEXT_COLUMNS)


def spans_statement(
    query: Query, window: TimeRange, *, mode: TextMode, limit: int, before: tuple[datetime, str] | None
) -> Statement:
    """Spans in the window that match, newest first, after the place `before`."""
    where = Where()
    where.project(query.project_id)
    where.starts_within(window)
    where.filters(query.filters)
    where.text(query.text, mode)
    if before is not None:
        start, span_id = before
        at = where.bind(micros(start))
        where.add(f"(toUnixTimestamp64Micro(start_time), span_id) < ({at}, {where.bind(span_id)})")
    return Statement(
        f"SELECT {_LIGHT} FROM spans WHERE {where.sql} "
        f"ORDER BY start_time DESC, span_id DESC LIMIT {where.bind(limit)}",
        where.values,
        "spans.list",
    )


def trace_spans_statement(project_id: int, trace_id: str, *, first: datetime, last: datetime, limit: int) -> Statement:
    """The first spans of a trace without their texts, in the order they started."""
    where = _of_trace(project_id, trace_id, first=first, last=last)
    return Statement(
        f"SELECT {_LIGHT} FROM spans WHERE {where.sql} "
        f"ORDER BY start_time, parent_span_id != '', span_id LIMIT {where.bind(limit)}",
        where.values,
        "trace.spans",
    )


def trace_statement(
    project_id: int,
    trace_id: str,
    *,
    first: datetime,
    last: datetime,
    minutes: Sequence[int],
    limit: int,
    texts: bool,
) -> Statement:
    """A short trace whole, in no order: SPAN_COLUMNS, then, with `texts`, TEXT_COLUMNS.

    `minutes`: every minute in which a span of it may start (Unix seconds), when they are few: with the project and the
    trace that is the whole sort key, and needs no further condition.
    """
    where = Where()
    where.project(project_id)
    if minutes:
        where.in_minutes(minutes)
    else:
        where.starts_from_to(first, last)
    where.add(f"trace_id = {where.bind(trace_id)}")
    columns = f"{_LIGHT}, {_HEAVY}" if texts else _LIGHT
    return Statement(
        f"SELECT {columns} FROM spans WHERE {where.sql} LIMIT {where.bind(limit)}",
        where.values,
        "trace.whole",
        by_key=True,
    )


def span_statement(project_id: int, trace_id: str, span_id: str, *, first: datetime, last: datetime) -> Statement:
    """One span whole: SPAN_COLUMNS, then TEXT_COLUMNS."""
    where = _of_trace(project_id, trace_id, first=first, last=last)
    where.add(f"span_id = {where.bind(span_id)}")
    return Statement(
        f"SELECT {_LIGHT}, {_HEAVY} FROM spans WHERE {where.sql} ORDER BY start_time LIMIT 1",
        where.values,
        "span.detail",
    )


def locate_statement(project_id: int, span_id: str) -> Statement:
    """The trace of a span known by its id alone; the bloom index says where it may be."""
    where = Where()
    where.project(project_id)
    where.add(f"span_id = {where.bind(span_id)}")
    return Statement(f"SELECT trace_id FROM spans WHERE {where.sql} LIMIT 1", where.values, "span.locate")


def _of_trace(project_id: int, trace_id: str, *, first: datetime, last: datetime) -> Where:
    where = Where()
    where.project(project_id)
    where.starts_from_to(first, last)
    where.add(f"trace_id = {where.bind(trace_id)}")
    return where
