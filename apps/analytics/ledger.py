"""The ledger: every record that was accepted is written, spooled, expired or dropped for a reason. Holds no SQL.

What is spooled stands in files, not in the store; the caller counts it (ingestion.ledger) from `coverage` and passes it
in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.query import Page, TimeRange
from apps.analytics.run import Reads
from apps.analytics.spans import EPOCH
from apps.analytics.sql.ledger import (
    batches_statement,
    coverage_statement,
    drop_reasons_statement,
    drops_statement,
    expired_statement,
    newest_statement,
    written_statement,
)
from apps.analytics.statement import micros

__all__ = ["DropCount", "DropPage", "DropRow", "Ledger", "LedgerDay", "Spooled", "coverage", "drop_list", "ledger"]


class Spooled(Protocol):
    """What the spool holds of one project beyond what the batches cover."""

    @property
    def records(self) -> int:
        """How many."""

    @property
    def bytes(self) -> int:
        """How large."""

    @property
    def oldest_received_ns(self) -> int:
        """When the oldest of them was received; 0 when there is none."""

    @property
    def in_flight(self) -> int:
        """Exchanges that have begun and not ended: not accepted yet, so in no sum."""


@dataclass(frozen=True, slots=True)
class DropCount:
    """Records dropped for one reason."""

    reason: str
    records: int


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """One day of receipt, as ingest accounts for it."""

    day: date
    accepted: int
    written: int
    dropped: int
    expired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """accepted = written + spooled + expired + dropped, or `difference` says by how much not. `lag`: seconds."""

    accepted: int
    written: int
    spooled: int
    spooled_bytes: int
    in_flight: int
    expired: int
    dropped: int
    drops: tuple[DropCount, ...]
    lag: float
    newest_received: datetime | None
    newest_written: datetime | None
    days: tuple[LedgerDay, ...]

    @property
    def difference(self) -> int:
        """Accepted records that are nowhere (positive), or rows that nobody accepted (negative)."""
        return self.accepted - self.written - self.spooled - self.expired - self.dropped

    @property
    def balanced(self) -> bool:
        """Nothing is missing and nothing is there twice."""
        return self.difference == 0


@dataclass(frozen=True, slots=True)
class DropRow:
    """One entry of the drops: `records` were lost for `reason`; `sample` shows the beginning of what it was."""

    received_at: datetime
    reason: str
    signal: str
    records: int
    detail: str
    position: str
    sample: str


@dataclass(frozen=True, slots=True)
class DropPage:
    """Newest first."""

    rows: tuple[DropRow, ...]
    next: str | None


def coverage(reads: Reads) -> Mapping[str, tuple[int, int]]:
    """How far the batches reach: writer → segment, and offset in it."""
    return {str(writer): (int(segment), int(end)) for writer, segment, end in reads.rows(coverage_statement())}


def ledger(
    reads: Reads,
    project_id: int,
    time_range: TimeRange | None,
    *,
    spooled: Spooled | None,
    now: datetime,
    zone: str = "UTC",
) -> Ledger:
    """Balance what was received in the range, or ever. The spool's content is of now: pass it when the range reaches
    it.
    """
    accounted = {row[0]: row for row in reads.rows(batches_statement(project_id, time_range, zone=zone))}
    expired = {day: int(records) for day, records in reads.rows(expired_statement(project_id, time_range, zone=zone))}
    drops = tuple(
        DropCount(str(reason), int(records))
        for reason, records in reads.rows(drop_reasons_statement(project_id, time_range))
    )
    written = reads.rows(written_statement(project_id, time_range))
    newest = reads.rows(newest_statement(project_id))
    waiting = spooled.records if spooled else 0
    oldest = spooled.oldest_received_ns if spooled else 0
    return Ledger(
        accepted=sum(int(row[1]) for row in accounted.values()) + waiting,
        written=int(written[0][0] or 0) if written else 0,
        spooled=waiting,
        spooled_bytes=spooled.bytes if spooled else 0,
        in_flight=spooled.in_flight if spooled else 0,
        expired=sum(expired.values()),
        dropped=sum(drop.records for drop in drops),
        drops=drops,
        lag=max(0.0, (micros(now) - oldest // 1000) / 1e6) if waiting and oldest else 0.0,
        newest_received=newest[0][0] if newest else None,
        newest_written=newest[0][1] if newest else None,
        days=tuple(
            LedgerDay(day, int(row[1]), int(row[2]), int(row[3]), expired.get(day, 0)) for day, row in accounted.items()
        ),
    )


def drop_list(reads: Reads, project_id: int, time_range: TimeRange, page: Page, *, reason: str = "") -> DropPage:
    """Single drops, newest first."""
    after = None
    if page.cursor:
        at, position, skip = cursor_unpack("drops", page.cursor, int, str, int)
        after = (EPOCH + timedelta(microseconds=at), position, min(max(skip, 0), 100_000))
    found = reads.rows(drops_statement(project_id, time_range, reason=reason, limit=page.limit + 1, after=after))
    rows = tuple(DropRow(*row) for row in found[: page.limit])
    if len(found) <= page.limit:
        return DropPage(rows, None)
    last = rows[-1]
    shown = sum((row.received_at, row.position) == (last.received_at, last.position) for row in rows)
    if after is not None and (last.received_at, last.position) == after[:2]:
        shown += after[2]
    return DropPage(rows, cursor_pack("drops", micros(last.received_at), last.position, shown))
