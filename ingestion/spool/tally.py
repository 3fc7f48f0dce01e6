"""Counting what could not be recorded, in a page that survives `kill -9` and needs no free disk, and telling it once.

The page is a small file whose blocks are allocated beforehand and which is mapped into memory: counting is a store
into the page cache, which outlives the process and cannot fail for want of space. Later, when the disk takes writes
again (or a later gateway finds a dead writer's page), the counts become LOSS envelopes in a segment. So that a kill
at any moment neither loses nor doubles them, telling is a chain of renames with one decisive link:

    1. `loss.tmp` is written whole, with the LOSS frames of the page's counts, and synced;
    2. `unrecorded` is renamed to `unrecorded.told`: before this link nothing was told, after it everything was;
    3. `loss.tmp` is renamed to the next segment of the teller; `unrecorded.told` is removed.

Whoever finds `unrecorded` without `.told` starts over; whoever finds `.told` finishes step 3. Both only under the
writer's lock, which its own process holds while it lives.
"""

import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ingestion.envelope import Envelope, Kind, encode, frame
from ingestion.ids import uuid7_bytes

__all__ = ["PAGE", "REASONS", "TOLD", "Loss", "Tally", "decide", "draft", "finish", "read_page"]

PAGE = "unrecorded"
TOLD = "unrecorded.told"
DRAFT = "loss.tmp"

REASONS = ("spool_full", "disk_full")
_SLOTS = 4096
_WORDS = 4  # project, reason, count, time of the first in ns: each a machine word, so that a store is never half done
_SIZE = _SLOTS * _WORDS * 8


class Loss(NamedTuple):
    """So many records of a project could not be spooled, for this reason, since then."""

    project_id: int
    reason: str
    records: int
    since_ns: int


class Tally:
    """The living writer's page. Falls back to plain memory when not even the page can be made."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._places: dict[tuple[int, int], int] = {}
        self.records = 0
        self._map = self._allocate()
        self._words = memoryview(self._map).cast("Q")

    def _allocate(self) -> mmap.mmap:
        path = self._directory / PAGE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            self.durable = False
            return mmap.mmap(-1, _SIZE)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
            self.durable = True
            return mmap.mmap(descriptor, _SIZE)
        except OSError:
            path.unlink(missing_ok=True)
            self.durable = False
            return mmap.mmap(-1, _SIZE)
        finally:
            os.close(descriptor)

    def count(self, project_id: int, reason: str, *, now_ns: int, records: int = 1) -> None:
        """Count records that could not be spooled. When the page has no slot left, they count for project 0."""
        code = REASONS.index(reason)
        place = self._places.get((project_id, code))
        if place is None:
            if len(self._places) >= _SLOTS - len(REASONS):
                project_id = 0
            place = self._places.setdefault((project_id, code), len(self._places) * _WORDS)
            self._words[place] = project_id
            self._words[place + 1] = code
            self._words[place + 3] = self._words[place + 3] or now_ns
        self._words[place + 2] += records
        self.records += records

    def losses(self) -> list[Loss]:
        """Return what was counted and not told yet."""
        return _losses(self._words)

    def told(self) -> None:
        """Start again at zero on a fresh page, after its file was told and removed."""
        self._close()
        self._places = {}
        self.records = 0
        self._map = self._allocate()
        self._words = memoryview(self._map).cast("Q")

    def _close(self) -> None:
        self._words.release()
        self._map.close()

    def close(self) -> None:
        """Let go of the page; its file is removed when there is nothing to tell."""
        empty = not self.records
        self._close()
        if empty:
            (self._directory / PAGE).unlink(missing_ok=True)


def _losses(words: memoryview) -> list[Loss]:
    return [
        Loss(words[place], REASONS[words[place + 1]], words[place + 2], words[place + 3])
        for place in range(0, len(words), _WORDS)
        if words[place + 2] and words[place + 1] < len(REASONS)
    ]


def read_page(path: Path) -> list[Loss]:
    """Read a page that nobody writes any more."""
    content = path.read_bytes()
    return _losses(memoryview(content[: len(content) // 32 * 32]).cast("Q"))


def _frames(losses: Iterable[Loss]) -> bytes:
    return b"".join(
        frame(
            encode(
                Envelope(
                    kind=Kind.LOSS,
                    project_id=loss.project_id,
                    received_ns=loss.since_ns,
                    id=uuid7_bytes(now_ns=loss.since_ns),
                    records=loss.records,
                    loss_reason=loss.reason,
                )
            )
        )
        for loss in losses
    )


def draft(directory: Path, losses: list[Loss]) -> None:
    """First step: write the frames of a page's counts beside it. Raises OSError, with nothing told, when the disk
    refuses.
    """
    descriptor = os.open(directory / DRAFT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        content = memoryview(_frames(losses))
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def decide(directory: Path) -> None:
    """Second step, the one that counts."""
    try:
        (directory / PAGE).rename(directory / TOLD)
    except FileNotFoundError:
        pass  # the counts were in memory only: nobody else can tell them


def finish(directory: Path, *, into: Path) -> None:
    """Third step; also done by whoever finds it undone."""
    try:
        (directory / DRAFT).rename(into)
    except FileNotFoundError:
        pass  # it was done: only the sign of it is left
    (directory / TOLD).unlink(missing_ok=True)
