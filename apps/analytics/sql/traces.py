"""Reads of whole traces: which ones match, what each amounts to, where one lies in time."""

from collections.abc import Sequence
from datetime import datetime

from apps.analytics.query import Query, TextMode, TimeRange
from apps.analytics.sql.metrics import CALL
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement

__all__ = [
    "TRACE_COLUMNS",
    "candidates_statement",
    "density_statement",
    "extent_statement",
    "summaries_statement",
    "trace_extent_statement",
]

_FAILED = "status NOT IN ('ok', 'unset')"
_FIRST_SPAN = "(parent_span_id != '', start_time)"  # the root where there is one, else the earliest span
_MODEL = "if(model != '', model, model_requested)"  # older spans of failed calls name only what was asked for
# Every expression is over one trace's spans. The order is that of the columns in TRACE_COLUMNS.
_SUMMARY = {
    "trace_id": "trace_id",
    "name": f"argMin(if(trace_name != '' AND parent_span_id != '', trace_name, name), {_FIRST_SPAN})",
    "start": "min(start_time)",
    "end": "max(end_time)",
    "status": (
        "if(countIf(parent_span_id = '') > 0, "
        f"argMinIf(status, start_time, parent_span_id = ''), if(countIf({_FAILED}) > 0, 'error', 'unset'))"
    ),
    "error_message": f"argMinIf(error_message, {_FIRST_SPAN}, error_message != '')",
    "has_root": "countIf(parent_span_id = '') > 0",
    "spans": "count()",
    "errors": f"countIf({_FAILED})",
    "calls": f"countIf({CALL})",
    "models": f"arraySort(groupUniqArrayIf(12)({_MODEL}, {_MODEL} != ''))",
    "providers": "arraySort(groupUniqArrayIf(12)(provider, provider != ''))",
    "sources": "arraySort(groupUniqArrayIf(4)(source, source != ''))",
    "environment": f"argMinIf(environment, {_FIRST_SPAN}, environment != '')",
    "release": f"argMinIf(release, {_FIRST_SPAN}, release != '')",
    "user_id": f"argMinIf(user_id, {_FIRST_SPAN}, user_id != '')",
    "session_id": f"argMinIf(session_id, {_FIRST_SPAN}, session_id != '')",
    "tags": "arraySort(groupUniqArrayArray(20)(tags))",
    "input_tokens": "sumIf(input_tokens, billable)",
    "output_tokens": "sumIf(output_tokens, billable)",
    "cost": "sumIf(toDecimal128(cost_usd, 12), billable)",
    "unpriced": "countIf(billable AND cost_usd IS NULL)",
    "billable": "countIf(billable)",
    "ttft_us": "argMinIf(ttft_us, start_time, ttft_us IS NOT NULL)",
    "input_preview": f"argMinIf(input_preview, {_FIRST_SPAN}, input_preview != '')",
    "output_preview": "argMaxIf(output_preview, (parent_span_id = '', end_time), output_preview != '')",
}
TRACE_COLUMNS = tuple(_SUMMARY)


def density_statement(query: Query, time_range: TimeRange, *, rollup_filters: Query) -> Statement:
    """Spans an hour, newest first: the hour in Unix seconds, and how many. Only filters that the roll-up knows are
    applied.
    """
    where = Where()
    where.project(query.project_id)
    where.add(f"bucket >= toStartOfHour({where.moment(time_range.start)})")
    where.add(f"bucket < {where.moment(time_range.end)}")
    where.filters(rollup_filters.filters)
    return Statement(
        f"SELECT toUnixTimestamp(bucket) AS hour, sum(spans) FROM usage_by_hour "
        f"WHERE {where.sql} GROUP BY hour ORDER BY hour DESC",
        where.values,
        "list.density",
    )


def candidates_statement(query: Query, window: TimeRange, *, mode: TextMode, limit: int) -> Statement:
    """Traces with a span in the window that matches everything: trace_id, first start, last start, newest first.

    Those that began before the window are kept apart by LIMIT BY: they belong further down the list, and must not push
    out its own.
    """
    where = Where()
    matching = _matching(where, query, window, mode)
    index = Where(values=where.values)
    index.project(query.project_id)
    begins = where.moment(window.start)
    return Statement(
        "SELECT trace_id, min(first_start) AS first, max(last_start) AS last FROM trace_index "
        f"WHERE {index.sql} AND trace_id IN (SELECT DISTINCT trace_id FROM spans WHERE {matching}) "
        f"GROUP BY trace_id ORDER BY first DESC, trace_id DESC LIMIT {where.bind(limit)} BY first >= {begins}",
        where.values,
        "traces.candidates",
    )


def extent_statement(project_id: int, trace_ids: Sequence[str]) -> Statement:
    """Where traces lie in time: trace_id, first start, last start. Needs no time of its own."""
    where = Where()
    where.project(project_id)
    where.add(f"trace_id IN {where.bind(tuple(trace_ids))}")
    return Statement(
        "SELECT trace_id, min(first_start) AS first, max(last_start) AS last FROM trace_index "
        f"WHERE {where.sql} GROUP BY trace_id ORDER BY first DESC, trace_id DESC",
        where.values,
        "traces.extent",
    )


def trace_extent_statement(project_id: int, trace_id: str) -> Statement:
    """Where one trace lies in time: first start, last start. One row for each part of the index that knows it."""
    where = Where()
    where.project(project_id)
    where.add(f"trace_id = {where.bind(trace_id)}")
    return Statement(
        f"SELECT first_start, last_start FROM trace_index WHERE {where.sql}", where.values, "trace.extent", by_key=True
    )


def summaries_statement(
    project_id: int, trace_ids: Sequence[str], *, first: datetime, last: datetime, minutes: Sequence[int] = ()
) -> Statement:
    """One row of TRACE_COLUMNS for each trace; all their spans start from `first` to `last`, both included.

    `minutes`: where they start, when it is few; a page may hold traces that lie weeks apart.
    """
    where = Where()
    where.project(project_id)
    where.starts_from_to(first, last)
    if minutes:
        where.in_minutes(minutes)
    where.add(f"trace_id IN {where.bind(tuple(trace_ids))}")
    columns = ", ".join(f"{expression} AS c_{name}" for name, expression in _SUMMARY.items())
    return Statement(f"SELECT {columns} FROM spans WHERE {where.sql} GROUP BY trace_id", where.values, "traces.summary")


def _matching(where: Where, query: Query, window: TimeRange, mode: TextMode) -> str:
    where.project(query.project_id)
    where.starts_within(window)
    where.filters(query.filters)
    where.text(query.text, mode)
    return where.sql
