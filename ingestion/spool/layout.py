"""Where things lie in a spool directory, and who is alive.

    <spool>/<writer>/<sequence:012d>.seg   frames; sealed once a higher number exists or its writer is dead
    <spool>/<writer>/lock                  flock'ed while the gateway process lives; the kernel lets go when it dies
    <spool>/<writer>/unrecorded            counters of what could not be recorded (tally.py)

Numbers of a writer's segments only ever grow, but may have gaps.

A writer is named by a UUIDv7, so names sort by the time of their start. Reads names, sizes and locks; never a frame.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Segment",
    "claim",
    "create_writer",
    "only_holder",
    "segment_name",
    "segments",
    "spool_bytes",
    "writer_alive",
    "writers",
]

LOCK = "lock"
SUFFIX = ".seg"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file as it was when listed."""

    writer: str
    sequence: int
    path: Path
    size: int


def segment_name(sequence: int) -> str:
    """Return the file name of a writer's n-th segment."""
    return f"{sequence:012d}{SUFFIX}"


def create_writer(spool: Path, name: str) -> tuple[Path, int]:
    """Make a writer's directory and hold its lock; returns the directory and the lock's descriptor.

    The directory gets its name only when the lock is held, so that nobody ever sees a living writer as dead.
    """
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    hidden = spool / f".{name}"
    hidden.mkdir(mode=0o700)
    descriptor = claim(hidden)
    if descriptor is None:  # nobody else can know the name
        raise RuntimeError(f"{hidden}: somebody else holds the lock of a new directory")
    directory = spool / name
    hidden.rename(directory)
    return directory, descriptor


def claim(writer: Path) -> int | None:
    """Hold a writer's lock, or return None because its process lives. Close the descriptor to let go."""
    descriptor = os.open(writer / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def only_holder(writer: Path) -> Iterator[bool]:
    """Hold a dead writer's lock for a while; yields False when it is not dead (or gone)."""
    try:
        descriptor = claim(writer)
    except FileNotFoundError:
        descriptor = None
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def writer_alive(writer: Path) -> bool:
    """Say whether the process that writes this directory lives. Asks with a shared lock, so that many may ask at
    once.
    """
    try:
        descriptor = os.open(writer / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def writers(spool: Path) -> list[str]:
    """Return the names of all writers, oldest first."""
    try:
        return sorted(entry.name for entry in os.scandir(spool) if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []


def segments(writer: Path) -> list[Segment]:
    """Return a writer's segments in order."""
    found = []
    try:
        for entry in os.scandir(writer):
            stem, suffix = os.path.splitext(entry.name)
            if suffix == SUFFIX and stem.isascii() and stem.isdigit():
                try:
                    size = entry.stat().st_size
                except FileNotFoundError:
                    continue  # acknowledged and deleted meanwhile
                found.append(Segment(writer.name, int(stem), writer / entry.name, size))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda segment: segment.sequence)


def spool_bytes(spool: Path) -> int:
    """Return the size of all segments of all writers."""
    return sum(segment.size for name in writers(spool) for segment in segments(spool / name))
