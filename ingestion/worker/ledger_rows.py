"""What a batch did, added up per project: the rows of `batches`. Pure.

Accepted is written plus dropped by construction: every record of a frame is counted on one of the two sides.
"""

from collections.abc import Iterable

from ingestion.records import Drop
from ingestion.store.writer import BatchRow
from ingestion.worker.plan import FINAL, Plan

__all__ = ["Tally", "batch_rows"]


class Tally:
    """Counts of one project."""

    __slots__ = ("dropped", "first_ns", "last_ns", "written")

    def __init__(self) -> None:
        self.written = 0
        self.dropped = 0
        self.first_ns = 0
        self.last_ns = 0

    def saw(self, received_ns: int) -> None:
        """Widen the time between the first and the last record."""
        self.first_ns = min(self.first_ns, received_ns) if self.first_ns else received_ns
        self.last_ns = max(self.last_ns, received_ns)


def batch_rows(
    plan: Plan, *, written: Iterable[tuple[int, int, int]], drops: Iterable[Drop], now_ns: int, end_offset: int
) -> list[BatchRow]:
    """Return a row per project. `written`: project, time received and number of rows of each frame."""
    tallies: dict[int, Tally] = {}
    for project_id, received_ns, rows in written:
        tally = tallies.setdefault(project_id, Tally())
        tally.saw(received_ns)
        tally.written += rows
    for drop in drops:
        tally = tallies.setdefault(drop.project_id, Tally())
        tally.saw(drop.received_ns)
        tally.dropped += drop.records
    return [
        BatchRow(
            project_id=project_id,
            batch_id=plan.batch_id,
            writer=plan.writer,
            segment=plan.segment,
            start_offset=end_offset if plan.start == FINAL else plan.start,
            end_offset=end_offset,
            received_ns=tally.first_ns,
            last_received_ns=tally.last_ns,
            written_ns=now_ns,
            accepted=tally.written + tally.dropped,
            written=tally.written,
            dropped=tally.dropped,
        )
        for project_id, tally in sorted(tallies.items())
        if tally.written or tally.dropped
    ]
