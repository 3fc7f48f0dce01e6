"""Exchanges that were opened and not closed yet: where their frames lie, and how they outlive their segment.

An OPEN matters only when its gateway dies, so it is not copied anywhere while its segment is there. Before a segment
is deleted, what is still open in it is carried into `ingest/carry/<writer>`, a file of the same frames.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.envelope import Kind, peek
from ingestion.spool.layout import Segment
from ingestion.spool.segment import Frame, Soundness, walk
from ingestion.worker.files import remove, write_whole

__all__ = ["CARRIED", "Opens"]

CARRIED = -1  # stands for the carry file where a segment's number is meant


@dataclass(frozen=True, slots=True)
class _Place:
    segment: int
    start: int
    end: int


@dataclass(slots=True)
class Opens:
    """The open exchanges of one writer, as of its cursor."""

    carry: Path
    directory: Path
    places: dict[bytes, _Place] = field(default_factory=dict)

    def restore(self, segments: Iterable[Segment], *, segment: int, offset: int) -> None:
        """Find what is open at a cursor: in the carry file, then in the segments that are still there, in order."""
        self.places.clear()
        if self.carry.exists():
            self.note(CARRIED, walk(self.carry.read_bytes()))
        for found in segments:
            if found.sequence > segment:
                break
            content = found.path.read_bytes()
            until = offset if found.sequence == segment else len(content)
            self.note(found.sequence, walk(memoryview(content)[:until]))

    def note(self, segment: int, frames: Iterable[Frame]) -> None:
        """Take notice of frames that are behind the cursor now."""
        for frame in frames:
            if frame.soundness is not Soundness.SOUND:
                continue
            kind, _, _, identity, _, _ = peek(frame.message)
            if kind is Kind.OPEN:
                self.places[identity] = _Place(segment, frame.start, frame.end)
            elif kind is Kind.CLOSE:
                self.places.pop(identity, None)

    def carry_from(self, sequence: int, path: Path) -> None:
        """Make the open exchanges of a segment independent of it."""
        staying = {i: place for i, place in self.places.items() if place.segment in {CARRIED, sequence}}
        if not staying:
            remove(self.carry)
            return
        if all(place.segment == CARRIED for place in staying.values()):
            return
        old = self.carry.read_bytes() if self.carry.exists() else b""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            frames = {
                identity: old[place.start : place.end]
                if place.segment == CARRIED
                else os.pread(descriptor, place.end - place.start, place.start)
                for identity, place in staying.items()
            }
        finally:
            os.close(descriptor)
        write_whole(self.carry, b"".join(frames.values()))
        at = 0
        for identity, content in frames.items():
            self.places[identity] = _Place(CARRIED, at, at + len(content))
            at += len(content)

    def messages(self) -> list[Frame]:
        """Return the frames of everything that is open, in an order that is the same every time."""
        files: dict[int, bytes] = {}
        found: list[Frame] = []
        for _, place in sorted(self.places.items()):
            if place.segment not in files:
                path = self.carry if place.segment == CARRIED else self.directory / f"{place.segment:012d}.seg"
                files[place.segment] = path.read_bytes()
            found += walk(files[place.segment][place.start : place.end], base=len(found))
        return found
