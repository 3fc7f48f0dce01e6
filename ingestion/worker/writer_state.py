"""How far one writer's directory has been read: the cursor on disk, its open exchanges, and the end of a dead one."""

from dataclasses import dataclass
from pathlib import Path

from ingestion.spool import layout, tally
from ingestion.spool.layout import Segment
from ingestion.spool.segment import Frame
from ingestion.worker.files import read_json, remove, write_json
from ingestion.worker.opens import Opens
from ingestion.worker.spool_range import read_range

__all__ = ["Cursor", "WriterState"]

_ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything before this place is in the store. `ended`: so are the open exchanges; only files are left."""

    segment: int = 0
    offset: int = 0
    ended: bool = False


class WriterState:
    """One writer's directory, as ingest sees it."""

    def __init__(self, ingest: Path, directory: Path) -> None:
        self.name = directory.name
        self.directory = directory
        self._path = ingest / "cursors" / f"{self.name}.json"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (ingest / "carry").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.opens = Opens(ingest / "carry" / self.name, directory)
        value = read_json(self._path)
        self.cursor = Cursor(**value) if value else Cursor()
        self.opens.restore(layout.segments(directory), segment=self.cursor.segment, offset=self.cursor.offset)

    def unread(self, *, most_bytes: int) -> list[Frame]:
        """Return the whole frames behind the cursor; none where they are more than so many bytes."""
        if self.cursor.ended:
            return []
        ahead = [
            (segment, self.cursor.offset if segment.sequence == self.cursor.segment else 0)
            for segment in layout.segments(self.directory)
            if segment.sequence >= self.cursor.segment
        ]
        if sum(max(0, segment.size - offset) for segment, offset in ahead) > most_bytes:
            return []
        frames: list[Frame] = []
        for segment, offset in ahead:
            if segment.size > offset:
                found = read_range(segment.path, start=offset, most_bytes=most_bytes, most_frames=_ALL, complete=False)
                frames += found.frames
        return frames

    def advance(self, cursor: Cursor) -> None:
        """Move the cursor, for good."""
        write_json(self._path, {"segment": cursor.segment, "offset": cursor.offset, "ended": cursor.ended})
        self.cursor = cursor

    def release(self, segments: list[Segment]) -> int:
        """Delete the segments that lie before the cursor, carrying what is open in them; returns their bytes."""
        freed = 0
        for segment in segments:
            if segment.sequence < self.cursor.segment:
                self.opens.carry_from(segment.sequence, segment.path)
                segment.path.unlink(missing_ok=True)
                freed += segment.size
        return freed

    def bury(self) -> bool:
        """Remove a dead and finished writer, unless it has losses left to tell; returns whether it is gone."""
        with layout.only_holder(self.directory) as dead:
            if not dead and self.directory.exists():
                return False
            page = self.directory / tally.PAGE
            if dead:
                for segment in layout.segments(self.directory):
                    segment.path.unlink(missing_ok=True)
                if (self.directory / tally.TOLD).exists() or (page.exists() and tally.read_page(page)):
                    return False
                for entry in list(self.directory.iterdir()):
                    if entry.name != layout.LOCK:
                        entry.unlink()
                (self.directory / layout.LOCK).unlink(missing_ok=True)
                self.directory.rmdir()
        remove(self.opens.carry)
        remove(self._path)
        return True
