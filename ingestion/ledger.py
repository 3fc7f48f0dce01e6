"""The spool's side of the ledger: records that were accepted and are not settled in `batches` yet.

    accepted = sum(batches.accepted) + spooled

Reads frames without their bodies, and only what it has not read before. Knows the spool; never asks the store: what
`batches` covers is given.
"""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.envelope import CorruptFrame, Kind, peek
from ingestion.spool import layout
from ingestion.spool.layout import Segment
from ingestion.spool.segment import walk

__all__ = ["SpoolReader", "SpooledCount", "spooled"]

_BEGINNING = (0, 0)


@dataclass(slots=True)
class SpooledCount:
    """What of one project lies in the spool. `in_flight`: exchanges that have begun and not ended."""

    records: int = 0
    bytes: int = 0
    oldest_received_ns: int = 0
    in_flight: int = 0

    def add(self, records: int, size: int, received_ns: int) -> None:
        """Count one frame."""
        self.records += records
        self.bytes += size
        if received_ns and (not self.oldest_received_ns or received_ns < self.oldest_received_ns):
            self.oldest_received_ns = received_ns

    def merge(self, other: "SpooledCount") -> None:
        """Count what another count has counted."""
        self.add(other.records, other.bytes, other.oldest_received_ns)
        self.in_flight += other.in_flight


@dataclass(slots=True)
class _Index:
    """What is known of one segment: its frames with records, and which exchanges began and ended in it."""

    read: int = 0
    frames: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # start, end, project, records, received
    opened: dict[bytes, int] = field(default_factory=dict)
    closed: set[bytes] = field(default_factory=set)

    def read_on(self, path: Path, size: int) -> None:
        """Read the frames that were appended since the last time."""
        if size <= self.read:
            return
        try:
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
                memoryview(content) as view,
            ):
                self._take(view[self.read :])
        except (FileNotFoundError, ValueError):  # settled and deleted meanwhile; or empty
            return

    def _take(self, view: memoryview) -> None:
        with view:
            for frame in walk(view, base=self.read, check=False):
                with frame.message as message:
                    self._note(message, frame.start, frame.end)
                self.read = frame.end

    def _note(self, message: memoryview, start: int, end: int) -> None:
        try:
            kind, project_id, received_ns, identity, records, _ = peek(message)
        except CorruptFrame:
            self.frames.append((start, end, 0, 1, 0))
            return
        if kind is Kind.OPEN:
            self.opened[identity] = project_id
            return
        if kind is Kind.CLOSE:
            self.closed.add(identity)
        if records:
            self.frames.append((start, end, project_id, records, received_ns))


class SpoolReader:
    """Remembers what it has read, so that asking again costs what has come since. One per process."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._indexes: dict[tuple[str, int], _Index] = {}

    def spooled(self, covered: Mapping[str, tuple[int, int]]) -> dict[int, SpooledCount]:
        """Return a count per project. `covered`: writer → segment and offset up to which `batches` settles it."""
        counts: dict[int, SpooledCount] = {}
        seen: set[tuple[str, int]] = set()
        for writer in layout.writers(self._home / "spool"):
            segments = layout.segments(self._home / "spool" / writer)
            seen |= {(writer, segment.sequence) for segment in segments}
            self._count_writer(counts, writer, segments, covered.get(writer, _BEGINNING))
        for key in set(self._indexes) - seen:
            del self._indexes[key]
        return counts

    def _count_writer(
        self, counts: dict[int, SpooledCount], writer: str, segments: list[Segment], covered: tuple[int, int]
    ) -> None:
        opened = self._carried(writer)
        for segment in segments:
            index = self._indexes.setdefault((writer, segment.sequence), _Index())
            index.read_on(segment.path, segment.size)
            opened.update(index.opened)
            for identity in index.closed:
                opened.pop(identity, None)
            if segment.sequence < covered[0]:
                continue
            settled = covered[1] if segment.sequence == covered[0] else 0
            for start, end, project_id, records, received_ns in index.frames:
                if start >= settled:
                    counts.setdefault(project_id, SpooledCount()).add(records, end - start, received_ns)
        for project_id in opened.values():
            counts.setdefault(project_id, SpooledCount()).in_flight += 1

    def _carried(self, writer: str) -> dict[bytes, int]:
        try:
            content = (self._home / "ingest" / "carry" / writer).read_bytes()
        except FileNotFoundError:
            return {}
        index = _Index()
        for frame in walk(content, check=False):
            index._note(frame.message, frame.start, frame.end)
        return index.opened


def spooled(home: Path, covered: Mapping[str, tuple[int, int]]) -> dict[int, SpooledCount]:
    """Return what lies in the spool, per project, reading all of it. A process that asks often keeps a SpoolReader."""
    return SpoolReader(home).spooled(covered)
