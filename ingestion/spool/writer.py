"""The write side of the spool: one process, one directory, appends of whole groups of frames.

`append` is called from one thread; `sync` and `survey` may run in another. After `append` returns n, the first n
frames stand in a file that outlives the process, and the rest left no trace: a refused or half-done write is cut back
to the last whole frame, so a reader that came in between has read nothing that is taken back. Must never know what a
frame holds.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from ingestion.ids import uuid7_bytes, uuid_text
from ingestion.spool import layout, tally

__all__ = ["SpoolWriter"]

_MOST_VECTORS = 1024  # IOV_MAX on Linux
_JOIN_BELOW = 64 * 1024


class SpoolWriter:
    """Appends frames to this process's own segments."""

    def __init__(
        self,
        spool: Path,
        *,
        total_bytes: int,
        segment_bytes: int,
        segment_age: float = 30.0,
        retry_after: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.spool = spool
        self._bound = total_bytes
        self._segment_bytes = segment_bytes
        self._segment_age = segment_age
        self._retry_after = retry_after
        self._clock = clock
        self._wall_clock_ns = wall_clock_ns
        self.name = uuid_text(uuid7_bytes(now_ns=wall_clock_ns()))
        self.directory, self._lock = layout.create_writer(spool, self.name)
        self.tally = tally.Tally(self.directory)
        self._sequence = 0
        self._descriptor = -1
        self._size = 0
        self._opened = 0.0
        self._retired: deque[int] = deque()  # sealed, not yet synced and closed
        self._dirty = False
        self._closed = False
        self._refused_until = 0.0
        self.refusal = ""  # why the last append refused frames: one of tally.REASONS; empty when it took all
        self._appended = 0  # bytes, ever
        self._surveyed = (0, 0)  # bytes of the whole spool at the last survey, and what we had appended before it
        self.survey()

    # --- size ---

    @property
    def total(self) -> int:
        """Bytes in the whole spool, other writers' as of the last survey."""
        found, before = self._surveyed
        return found + self._appended - before

    def survey(self) -> None:
        """Look at the sizes of everything in the spool. What is appended meanwhile counts twice until the next time."""
        before = self._appended
        try:
            self._surveyed = (layout.spool_bytes(self.spool), before)
        except OSError:
            return  # then what was known stays in force

    def has_room(self, size: int) -> bool:
        """Say whether a frame of this size would be taken, as far as one can know without writing it."""
        return self._clock() >= self._refused_until and self.total + size <= self._bound

    # --- appending ---

    def append(self, frames: Sequence[Sequence[bytes]]) -> int:
        """Append frames, each given as its parts; returns how many of them, from the first on, are in the file."""
        now = self._clock()
        if now < self._refused_until:
            return 0
        parts = [part for frame in frames for part in frame]
        wanted = sum(map(len, parts))
        total = self.total
        if total + wanted > self._bound:
            self.survey()  # ingest may have deleted since
            total = self.total
        if total + wanted > self._bound:
            return self._append_what_fits(frames, now)
        return self._write(frames, parts, wanted, now)

    def _append_what_fits(self, frames: Sequence[Sequence[bytes]], now: float) -> int:
        room = self._bound - self.total
        fitting = wanted = 0
        for frame in frames:
            size = sum(map(len, frame))
            if wanted + size > room:
                break
            wanted += size
            fitting += 1
        if fitting:
            fit = frames[:fitting]
            written = self._write(fit, [part for frame in fit for part in frame], wanted, now)
            if written < fitting:
                return written
        self._refuse("spool_full", now)
        return fitting

    def _write(self, frames: Sequence[Sequence[bytes]], parts: list[bytes], wanted: int, now: float) -> int:
        try:
            if self._descriptor < 0 or (self._size and self._size + wanted > self._segment_bytes):
                self._open_next(now)
        except OSError:
            self._refuse("disk_full", now)
            return 0
        written = self._write_all(parts, wanted)
        self._dirty = True
        if written == wanted:
            self._size += wanted
            self._appended += wanted
            self.refusal = ""
            return len(frames)
        whole = kept = 0
        for frame in frames:
            size = sum(map(len, frame))
            if whole + size > written:
                break
            whole += size
            kept += 1
        self._cut_back(self._size + whole)
        self._size += whole
        self._appended += whole
        self._refuse("disk_full", now)
        return kept

    def _write_all(self, parts: list[bytes], wanted: int) -> int:
        """Write until everything is written or the disk refuses; returns the bytes that were written."""
        done = 0
        try:
            if wanted <= _JOIN_BELOW:  # one small copy is cheaper than many vectors
                done = os.write(self._descriptor, b"".join(parts))
                if done == wanted:
                    return done
            for start in range(0, len(parts), _MOST_VECTORS):
                vectors = parts[start : start + _MOST_VECTORS]
                before = sum(map(len, parts[:start]))
                length = sum(map(len, vectors))
                while done < before + length:
                    done += os.writev(self._descriptor, _behind(vectors, done - before))
        except OSError:
            return done
        return done

    def _cut_back(self, size: int) -> None:
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            # The torn frame stays. Nothing may follow it in this file, and its reader stops in front of it.
            self._retired.append(self._descriptor)
            self._descriptor = -1

    def _refuse(self, reason: str, now: float) -> None:
        self.refusal = reason
        self._refused_until = now + self._retry_after

    # --- segments ---

    def _open_next(self, now: float) -> None:
        path = self.directory / layout.segment_name(self._sequence)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        self._sequence += 1
        if self._descriptor >= 0:
            self._retired.append(self._descriptor)
        self._descriptor = descriptor
        self._size = 0
        self._opened = now

    def tick(self) -> None:
        """Once a second or so: seal a segment that is old, tell losses if the disk is well again, finish the
        dead's telling.
        """
        now = self._clock()
        if now < self._refused_until:
            return
        try:
            if self._descriptor >= 0 and self._size and now - self._opened > self._segment_age:
                self._open_next(now)
            if self.tally.records:
                self._tell()
            self._tell_for_the_dead()
        except OSError:
            self._refuse("disk_full", now)

    def _tell(self) -> None:
        if self.total + 4096 > self._bound:
            return
        tally.draft(self.directory, self.tally.losses())
        tally.decide(self.directory)
        tally.finish(self.directory, into=self._claim_segment())
        self.tally.told()

    def _claim_segment(self) -> Path:
        """Return the path of a segment of our own that is written elsewhere and moved here: the active one
        ends before it.
        """
        if self._descriptor >= 0:
            self._retired.append(self._descriptor)
            self._descriptor = -1
        path = self.directory / layout.segment_name(self._sequence)
        self._sequence += 1
        return path

    def _tell_for_the_dead(self) -> None:
        for name in layout.writers(self.spool):
            directory = self.spool / name
            page, told = directory / tally.PAGE, directory / tally.TOLD
            if name == self.name or not (page.exists() or told.exists()):
                continue
            with layout.only_holder(directory) as dead:
                if not dead or not (page.exists() or told.exists()):
                    continue
                if not told.exists():
                    losses = tally.read_page(page)
                    if not losses:
                        page.unlink()
                        continue
                    tally.draft(directory, losses)
                    tally.decide(directory)
                tally.finish(directory, into=self._claim_segment())

    # --- safety against power loss ---

    def sync(self) -> None:
        """Bring everything that was appended before this call to the disk. May run in a thread beside `append`."""
        if self._closed or not (self._dirty or self._retired):
            return
        self._dirty = False
        current = self._descriptor  # if it is retired from here on, it is still open: only this method closes
        while self._retired:
            descriptor = self._retired.popleft()
            os.fdatasync(descriptor)
            os.close(descriptor)
            current = -1 if descriptor == current else current
        if current >= 0:
            os.fdatasync(current)
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def close(self, *, sync: bool = True) -> None:
        """Tell what is left to tell, sync, let go of the lock. A directory in which nothing was ever written
        is removed.
        """
        if self._closed:
            return
        self._refused_until = 0.0
        self.tick()
        if sync:
            self.sync()
        self._closed = True
        for descriptor in (*self._retired, self._descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self.tally.close()
        if not self._sequence:
            (self.directory / layout.LOCK).unlink(missing_ok=True)
            try:
                self.directory.rmdir()
            except OSError:
                pass  # a page with counts is still in it
        os.close(self._lock)


def _behind(vectors: list[bytes], done: int) -> list[bytes | memoryview]:
    """Return what is left of the vectors after the first `done` bytes."""
    left: list[bytes | memoryview] = []
    for vector in vectors:
        if done >= len(vector):
            done -= len(vector)
        else:
            left.append(memoryview(vector)[done:] if done else vector)
            done = 0
    return left
