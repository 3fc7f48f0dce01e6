"""Reads of what evaluation rules judge: batches in the order in which they became whole, and the subjects in them.

A span is found by the batch that brought it, not by its own clock: a batch's row is written last, so its spans are all
there once it can be seen, however long they lay in the spool.
"""

from collections.abc import Sequence
from datetime import datetime

from apps.analytics.query import Field, Filter, TimeRange
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "SUBJECT_COLUMNS",
    "amounts_statement",
    "arrivals_statement",
    "counted_statement",
    "known_scores_statement",
    "rule_scores_statement",
    "sample_statement",
    "subjects_statement",
]

_MOST_TEXT = 1_000_000  # characters of a text that are read: one span must not fill a worker's memory
_SUBJECT = {
    "trace_id": "trace_id",
    "span_id": "span_id",
    "session_id": "session_id",
    "kind": "kind",
    "model": "model",
    "provider": "provider",
    "input": f"substringUTF8(input, 1, {_MOST_TEXT})",
    "output": f"substringUTF8(output, 1, {_MOST_TEXT})",
    "error_message": "error_message",
    "status": "status",
    "duration": "duration_us",
    "ttft": "ttft_us",
    "cost_usd": "cost_usd",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "attributes": "attributes",
    "environment": "environment",
    "start": "start_time",
    "end": "end_time",
    "received_at": "received_at",
}
SUBJECT_COLUMNS = tuple(_SUBJECT)
_COLUMNS = ", ".join(f"{expression} AS c_{name}" for name, expression in _SUBJECT.items())
_PLACE = "(toUnixTimestamp64Milli(received_at), trace_id, span_id)"
# Properties with this name are on what an evaluator asked a model: judging that would never end.
_OWN = "properties['spanmeter.evaluation'] = ''"


def arrivals_statement(project_id: int, *, after: datetime, until: datetime, limit: int) -> Statement:
    """Batches that became whole in (after, until], oldest first: id, when, when the first and last record came."""
    where = Where()
    where.project(project_id)
    where.add(f"written_at > {_millis(where, after)}")
    where.add(f"written_at <= {_millis(where, until)}")
    # What lay in a spool for longer than this is not looked for: months of partitions would be read each time.
    where.add(f"received_at > {_millis(where, after)} - INTERVAL 40 DAY")
    where.add("written > 0")
    return Statement(
        f"SELECT batch_id, written_at, received_at, last_received_at FROM batches WHERE {where.sql} "
        f"ORDER BY written_at, batch_id LIMIT {where.bind(limit)}",
        where.values,
        "evals.arrivals",
    )


def subjects_statement(
    project_id: int,
    *,
    received: TimeRange,
    batches: Sequence[int],
    filters: tuple[Filter, ...],
    roots: bool,
    after: tuple[int, str, str] | None,
    limit: int,
    newest_first: bool = False,
) -> Statement:
    """Spans received in the range that match, in the order (received, trace id, span id), after the place `after`.

    `batches` leaves out what other batches brought; empty means any. `received.end` is included with batches, since
    their last record came then.
    """
    where = _matching(project_id, received=received, batches=batches, filters=filters, roots=roots)
    if after is not None:
        at, trace, span = (where.bind(part) for part in after)
        where.add(f"{_PLACE} > ({at}, {trace}, {span})")
    way = " DESC" if newest_first else ""
    return Statement(
        f"SELECT {_COLUMNS} FROM spans WHERE {where.sql} "
        f"ORDER BY received_at{way}, trace_id{way}, span_id{way} LIMIT {where.bind(limit)}",
        where.values,
        "evals.subjects",
    )


def counted_statement(project_id: int, *, received: TimeRange, filters: tuple[Filter, ...], roots: bool) -> Statement:
    """How many match."""
    where = _matching(project_id, received=received, batches=(), filters=filters, roots=roots)
    return Statement(f"SELECT count() FROM spans WHERE {where.sql}", where.values, "evals.counted")


def sample_statement(
    project_id: int, *, received: TimeRange, filters: tuple[Filter, ...], roots: bool, limit: int
) -> Statement:
    """Lengths in characters of input and output of a steady sample of what matches."""
    where = _matching(project_id, received=received, batches=(), filters=filters, roots=roots)
    return Statement(
        f"SELECT lengthUTF8(input), lengthUTF8(output) FROM spans WHERE {where.sql} "
        f"ORDER BY cityHash64(trace_id, span_id) LIMIT {where.bind(limit)}",
        where.values,
        "evals.sample",
    )


def amounts_statement(
    project_id: int, trace_ids: Sequence[str], *, first: datetime, last: datetime, most_documents: int
) -> Statement:
    """Per trace: the texts of its retrievals in order, and its cost, tokens and calls without a price."""
    where = Where()
    where.project(project_id)
    where.starts_from_to(first, last)
    where.add(f"trace_id IN {where.bind(tuple(trace_ids))}")
    most = where.bind(most_documents)
    return Statement(
        "SELECT trace_id, "
        "arrayMap(one -> one.2, arraySlice(arraySort(groupArrayIf("
        f"(start_time, substringUTF8(output, 1, {_MOST_TEXT})), kind = 'retriever' AND output != '')), 1, {most})), "
        "sumIf(toDecimal128(cost_usd, 12), billable AND cost_usd IS NOT NULL), countIf(billable AND cost_usd IS NULL), "
        "countIf(billable), sumIf(input_tokens, billable), sumIf(output_tokens, billable) "
        f"FROM spans WHERE {where.sql} GROUP BY trace_id",
        where.values,
        "evals.amounts",
    )


def known_scores_statement(project_id: int, ids: Sequence[str]) -> Statement:
    """Which of these scores exist, taken back or not."""
    where = Where()
    where.project(project_id)
    where.add(f"id IN {where.bind(tuple(ids))}")
    return Statement(f"SELECT DISTINCT id FROM scores WHERE {where.sql}", where.values, "evals.known_scores")


def rule_scores_statement(project_id: int, *, since: datetime) -> Statement:
    """Per evaluation rule (its public id): scores, those with a number, their mean, the last value, text and time."""
    where = Where()
    where.project(project_id)
    where.add(f"timestamp >= {_millis(where, since)}")
    where.add("source = 'evaluator'")
    where.add("startsWith(id, 'eval-')")
    return Statement(
        "SELECT substring(id, 6, 36) AS rule, count(), countIf(value IS NOT NULL), avgIf(value, value IS NOT NULL), "
        "argMax(value, timestamp), argMax(text_value, timestamp), max(timestamp) "
        f"FROM (SELECT * FROM scores WHERE {where.sql} ORDER BY updated_at DESC LIMIT 1 BY id) "
        "WHERE NOT deleted GROUP BY rule",
        where.values,
        "evals.rule_scores",
    )


def _matching(
    project_id: int, *, received: TimeRange, batches: Sequence[int], filters: tuple[Filter, ...], roots: bool
) -> Where:
    where = Where()
    where.project(project_id)
    start, end = _millis(where, received.start), _millis(where, received.end)
    where.add(f"received_at >= {start}")
    where.add(f"received_at <= {end}" if batches else f"received_at < {end}")
    if batches:
        where.add(f"batch_id IN {where.bind(tuple(batches))}")
    where.add("parent_span_id = ''" if roots else "kind = 'llm'")
    # A call that the gateway and an SDK have both seen is judged once, unless the rule says whose span it wants. The
    # first span of a trace stands for the trace, whoever bills.
    if not roots and all(condition.field is not Field.SOURCE for condition in filters):
        where.add("NOT repeated")
    where.add(_OWN)
    where.filters(filters)
    return where


def _millis(where: Where, moment: datetime) -> str:
    return f"fromUnixTimestamp64Milli({where.bind(micros(moment) // 1000)}, 'UTC')"
