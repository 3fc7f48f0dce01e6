"""Rows that a project no longer keeps: told to the ledger first, then deleted, so that a stop at any moment loses no
count.

`expirations` says: of this batch, so many rows from before the cut `expired_at` are gone or about to go. A row goes
only when its batch has
been told, and a batch is told only when it is whole, so no row can join it between count and deletion. A run begins by
finishing what an
earlier one had told and not deleted; everything may be repeated.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ingestion.store.client import Writer
from ingestion.store.dialect import Dialect

__all__ = ["expire"]

# Which column of each table says when a row happened.
_TIMES = {"spans": "start_time", "scores": "timestamp", "gpu_samples": "time"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A row that is deleted must be gone for the next read; the subqueries read tables that only grow.
_DELETING: Mapping[str, Any] = {
    "lightweight_deletes_sync": 2,
    "mutations_sync": 2,
    "allow_nondeterministic_mutations": 1,
}
_CUT = "fromUnixTimestamp64Milli(%(cut)s, 'UTC')"


def expire(writer: Writer, dialect: Dialect, *, project_id: int, before: datetime) -> int:
    """Remove the project's rows from before this moment; return how many the ledger was told of."""
    values = {"project": project_id, "cut": int((before - _EPOCH).total_seconds() * 1000)}
    told = 0
    for table, column in _TIMES.items():
        _finish(writer, dialect, table, column, project_id)
        records = _tell(writer, table, column, values)
        if records:
            _delete(writer, dialect, table, column, values)
        told += records
    if told:
        writer.command(
            f"DELETE FROM {dialect.table('trace_index')}{dialect.on_cluster} "
            f"WHERE project_id = %(project)s AND last_start < {_CUT}",
            values,
            settings=_DELETING,
        )
    return told


def _finish(writer: Writer, dialect: Dialect, table: str, column: str, project_id: int) -> None:
    """Delete what an earlier run told the ledger of and did not come to delete."""
    left = writer.rows(
        f"SELECT DISTINCT toUnixTimestamp64Milli(e.expired_at) FROM {table} AS r INNER JOIN "
        "(SELECT batch_id, expired_at FROM expirations WHERE project_id = %(project)s AND table_name = %(table)s) AS e "
        f"ON r.batch_id = e.batch_id WHERE r.project_id = %(project)s AND r.{column} < e.expired_at",
        {"project": project_id, "table": table},
    )
    for (cut,) in left:
        _delete(writer, dialect, table, column, {"project": project_id, "cut": int(cut)})


def _tell(writer: Writer, table: str, column: str, values: Mapping[str, Any]) -> int:
    """Write down how many rows of each whole batch lie before the cut; return how many in all."""
    matching = (
        f"project_id = %(project)s AND {column} < {_CUT} "
        "AND batch_id IN (SELECT batch_id FROM batches WHERE project_id = %(project)s)"
    )
    found = writer.rows(f"SELECT count() FROM {table} WHERE {matching}", values)
    records = int(found[0][0])
    if records:
        writer.command(
            "INSERT INTO expirations (project_id, table_name, expired_at, received_day, records, batch_id) "
            f"SELECT project_id, %(table)s, {_CUT}, toDate(received_at), count(), batch_id FROM {table} "
            f"WHERE {matching} GROUP BY project_id, toDate(received_at), batch_id",
            {**values, "table": table},
            # Told again on purpose: the rows of an earlier telling have been deleted by now, so these are others.
            token=f"retention/{values['project']}/{table}/{values['cut']}/{time.time_ns()}",
        )
    return records


def _delete(writer: Writer, dialect: Dialect, table: str, column: str, values: Mapping[str, Any]) -> None:
    """Delete the rows before the cut whose batch the ledger has been told of at that cut."""
    writer.command(
        f"DELETE FROM {dialect.table(table)}{dialect.on_cluster} WHERE project_id = %(project)s AND {column} < {_CUT} "
        "AND batch_id IN (SELECT batch_id FROM expirations WHERE project_id = %(project)s "
        f"AND table_name = %(table)s AND expired_at = {_CUT})",
        {**values, "table": table},
        settings=_DELETING,
    )
