"""Reads of the ledger: what ingest accounts for, what stands in the store, what was dropped and why."""

from datetime import datetime

from apps.analytics.query import TimeRange
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement, micros

__all__ = [
    "batches_statement",
    "coverage_statement",
    "drop_reasons_statement",
    "drops_statement",
    "expired_statement",
    "newest_statement",
    "written_statement",
]

# Rows of a table that ingest filled; a row whose batch is not whole yet is still spooled.
_WRITTEN_TABLES = ("spans", "scores", "gpu_samples")


def batches_statement(project_id: int, time_range: TimeRange | None, *, zone: str) -> Statement:
    """By day of receipt: day, accepted, written as ingest says, dropped."""
    where = _received(project_id, time_range)
    return Statement(
        f"SELECT toDate(received_at, {where.bind(zone)}) AS day, sum(accepted), sum(written), sum(dropped) "
        f"FROM batches WHERE {where.sql} GROUP BY day ORDER BY day",
        where.values,
        "ledger.batches",
    )


def written_statement(project_id: int, time_range: TimeRange | None) -> Statement:
    """Rows that stand in the store and belong to a whole batch of these: one number."""
    where = _received(project_id, time_range)
    rows = Where(values=where.values)
    rows.project(project_id)
    parts = " UNION ALL ".join(
        f"SELECT count() AS rows FROM {table} WHERE {rows.sql} AND batch_id IN whole" for table in _WRITTEN_TABLES
    )
    return Statement(
        f"WITH whole AS (SELECT batch_id FROM batches WHERE {where.sql}) SELECT sum(rows) FROM ({parts})",
        where.values,
        "ledger.written",
    )


def expired_statement(project_id: int, time_range: TimeRange | None, *, zone: str) -> Statement:
    """Rows that retention removed, of the batches received in the range: day, records."""
    where = _received(project_id, time_range)
    rows = Where(values=where.values)
    rows.project(project_id)
    return Statement(
        f"WITH whole AS (SELECT batch_id, toDate(received_at, {where.bind(zone)}) AS day "
        f"FROM batches WHERE {where.sql}) "
        f"SELECT day, sum(records) FROM (SELECT batch_id, sum(records) AS records FROM expirations WHERE {rows.sql} "
        "GROUP BY batch_id) AS e INNER JOIN whole USING batch_id GROUP BY day ORDER BY day",
        where.values,
        "ledger.expired",
    )


def drop_reasons_statement(project_id: int, time_range: TimeRange | None) -> Statement:
    """Dropped records of whole batches by reason, most first."""
    where = _received(project_id, time_range)
    rows = Where(values=where.values)
    rows.project(project_id)
    return Statement(
        f"WITH whole AS (SELECT batch_id FROM batches WHERE {where.sql}) "
        f"SELECT reason, sum(records) AS dropped FROM drops WHERE {rows.sql} AND batch_id IN whole "
        "GROUP BY reason ORDER BY dropped DESC, reason",
        where.values,
        "ledger.reasons",
    )


def coverage_statement() -> Statement:
    """How far the batches reach: writer, segment, end in it. For all projects: a frame names its project inside."""
    return Statement(
        "SELECT writer, tupleElement(max((segment, end_offset)) AS reach, 1), tupleElement(reach, 2) "
        "FROM batches GROUP BY writer",
        {},
        "ledger.coverage",
    )


def newest_statement(project_id: int) -> Statement:
    """When the newest record that is written was received, and when it was written; nothing for an empty project."""
    where = Where()
    where.project(project_id)
    return Statement(
        f"SELECT last_received_at, written_at FROM batches WHERE {where.sql} ORDER BY last_received_at DESC LIMIT 1",
        where.values,
        "ledger.newest",
    )


def drops_statement(
    project_id: int, time_range: TimeRange, *, reason: str, limit: int, after: tuple[datetime, str, int] | None
) -> Statement:
    """Single drops, newest first: received_at, reason, signal, records, detail, position, sample.

    `after`: a place, and how many rows of that very place have been shown; one body may have given several.
    """
    where = _received(project_id, time_range)
    if reason:
        where.add(f"reason = {where.bind(reason)}")
    skip = 0
    if after is not None:
        at = where.bind(micros(after[0]) // 1000)
        where.add(f"(toUnixTimestamp64Milli(received_at), position) <= ({at}, {where.bind(after[1])})")
        skip = after[2]
    return Statement(
        f"SELECT received_at, reason, signal, records, detail, position, sample FROM drops WHERE {where.sql} "
        "ORDER BY received_at DESC, position DESC, cityHash64(reason, signal, detail, sample) "
        f"LIMIT {where.bind(limit)} OFFSET {where.bind(skip)}",
        where.values,
        "ledger.drops",
    )


def _received(project_id: int, time_range: TimeRange | None) -> Where:
    where = Where()
    where.project(project_id)
    if time_range is not None:
        start, end = (where.bind(micros(moment) // 1000) for moment in (time_range.start, time_range.end))
        where.add(f"received_at >= fromUnixTimestamp64Milli({start}, 'UTC')")
        where.add(f"received_at < fromUnixTimestamp64Milli({end}, 'UTC')")
    return where
