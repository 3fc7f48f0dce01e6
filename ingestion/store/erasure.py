"""Every row of projects that were deleted, out of every table: what was recorded, its roll-ups, and the ledger.

May be cut off and repeated anywhere: whatever is left is found again. What ingest writes meanwhile is left too.
"""

from collections.abc import Collection

from ingestion.store.client import Settings, Writer
from ingestion.store.dialect import Dialect

__all__ = ["TABLES", "erase"]

TABLES = (
    "spans",
    "scores",
    "gpu_samples",
    "trace_index",
    "usage_by_minute",
    "usage_by_hour",
    "latency_by_half_hour",
    "latency_by_six_hours",
    "drops",
    "batches",
    "expirations",
    "intake_hashes",
)
# A mutation, not a lightweight DELETE: the bytes themselves leave the disk, not only the sight of them.
_TO_THE_END: Settings = {"mutations_sync": 2}


def erase(writer: Writer, dialect: Dialect, project_ids: Collection[int]) -> dict[int, int]:
    """Remove all rows of these projects; return how many each was found to have: at 0 none is left."""
    found = dict.fromkeys(project_ids, 0)
    if not found:
        return found
    values = {"projects": tuple(found)}
    counts = " UNION ALL ".join(
        f"SELECT '{table}', project_id, count() FROM {table} WHERE project_id IN %(projects)s GROUP BY project_id"
        for table in TABLES
    )
    tables: set[str] = set()
    for table, project_id, rows in writer.rows(counts, values):
        tables.add(table)
        found[project_id] += rows
    for table in TABLES:
        if table in tables:
            writer.command(
                f"ALTER TABLE {dialect.table(table)}{dialect.on_cluster} DELETE WHERE project_id IN %(projects)s",
                values,
                settings=_TO_THE_END,
            )
    return found
