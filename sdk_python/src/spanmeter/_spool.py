"""Where bodies wait while the network is away: a bounded directory of files, delivered oldest first.

A file is written beside its place, synced and renamed, so it is there whole or not at all; it is removed only after the
server has answered. Whoever is killed between the two sends the same bytes again, which the server recognises. Only the
process that holds the lock delivers; the lock is the kernel's, so it dies with its holder. Content never leaves the
user's own files: the directory is 0700, the files 0600.
"""

import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from spanmeter._encode import Body

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Entry", "FileSpool", "MemorySpool", "Spool", "spool_for"]

_NAME = re.compile(r"^(\d{20})-(\d+)-(\d+)\.(\d+)\.(traces|logs|metrics)\.pb(\.gz)?$")
_MOST_FILES = 10_000
_CLOSED_IN_CHILDREN = getattr(os, "O_CLOEXEC", 0)
_STALE = 3600.0  # seconds after which a half-written file is nobody's


@dataclass(frozen=True, slots=True)
class Entry:
    """One body that waits."""

    name: str
    records: int


class Spool(Protocol):
    """A bounded place for bodies."""

    def keep(self, body: Body) -> bool:
        """Keep it; False when there is no room."""

    def waiting(self) -> list[Entry]:
        """Return what waits, oldest first."""

    def read(self, entry: Entry) -> Body | None:
        """Return a body; None when it is gone."""

    def remove(self, entry: Entry) -> None:
        """It is delivered, or never will be."""

    def delivering(self) -> contextlib.AbstractContextManager[bool]:
        """Hold the right to deliver; False when another process has it."""

    def after_fork(self) -> None:
        """Forget what belongs to the parent."""


class FileSpool:
    """Files of one destination."""

    def __init__(self, directory: Path, *, most_bytes: int, now_ns: Callable[[], int] = time.time_ns) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._most_bytes = most_bytes
        self._now_ns = now_ns
        self._count = 0
        self._lock: int | None = None
        probe = directory / f".probe-{os.getpid()}"
        _write(probe, b"")
        probe.unlink(missing_ok=True)

    def keep(self, body: Body) -> bool:
        sizes = [size for _, size in self._files()]
        if len(sizes) >= _MOST_FILES or sum(sizes) + len(body.content) > self._most_bytes:
            return False
        self._count += 1
        suffix = ".gz" if body.gzipped else ""
        name = f"{self._now_ns():020d}-{os.getpid()}-{self._count}.{body.records}.{body.signal}.pb{suffix}"
        half = self._directory / f".{name}"
        try:
            _write(half, body.content)
            half.rename(self._directory / name)
        except OSError:
            half.unlink(missing_ok=True)
            return False
        return True

    def waiting(self) -> list[Entry]:
        found = []
        for name, _ in self._files():
            match = _NAME.match(name)
            if match:
                found.append((int(match[1]), int(match[3]), Entry(name, int(match[4]))))
        return [entry for _, _, entry in sorted(found, key=lambda each: each[:2])]

    def read(self, entry: Entry) -> Body | None:
        match = _NAME.match(entry.name)
        try:
            content = (self._directory / entry.name).read_bytes()
        except OSError:
            return None
        return Body(match[5], content, bool(match[6]), entry.records) if match else None

    def remove(self, entry: Entry) -> None:
        (self._directory / entry.name).unlink(missing_ok=True)

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        if fcntl is None:  # pragma: no cover - Windows: one process a directory
            yield True
            return
        handle = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | _CLOSED_IN_CHILDREN, 0o600)
        self._lock = handle
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            self._sweep()
            yield True
        finally:
            self._lock = None
            os.close(handle)

    def after_fork(self) -> None:
        """The child has inherited the parent's lock with its descriptor, and would hold it after the parent's end."""
        handle, self._lock = self._lock, None
        if handle is not None:
            with contextlib.suppress(OSError):
                os.close(handle)

    def _files(self) -> list[tuple[str, int]]:
        found = []
        with contextlib.suppress(OSError), os.scandir(self._directory) as entries:
            for entry in entries:
                if _NAME.match(entry.name):
                    with contextlib.suppress(OSError):
                        found.append((entry.name, entry.stat().st_size))
        return found

    def _sweep(self) -> None:
        """Remove what writers that died left half-written."""
        for path in self._directory.glob(".*.pb*"):
            with contextlib.suppress(OSError):
                if self._now_ns() / 1e9 - path.stat().st_mtime > _STALE:
                    path.unlink()


class MemorySpool:
    """For where there is no directory to write to: bounded, and gone with the process."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bodies: deque[tuple[Entry, Body]] = deque()
        self._count = 0

    def keep(self, body: Body) -> bool:
        if sum(len(kept.content) for _, kept in self._bodies) + len(body.content) > self._most_bytes:
            return False
        self._count += 1
        self._bodies.append((Entry(str(self._count), body.records), body))
        return True

    def waiting(self) -> list[Entry]:
        return [entry for entry, _ in self._bodies]

    def read(self, entry: Entry) -> Body | None:
        return next((body for kept, body in self._bodies if kept == entry), None)

    def remove(self, entry: Entry) -> None:
        self._bodies = deque(pair for pair in self._bodies if pair[0] != entry)

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        yield True

    def after_fork(self) -> None:
        """What waits is the parent's to deliver."""
        self._bodies.clear()


def spool_for(directory: Path | None, *, base_url: str, api_key: str, most_bytes: int) -> tuple[Spool, str]:
    """Return the spool for one destination, and why it is not on disk ('' when it is).

    Each address and key has a directory of its own: what was recorded for one project is never sent with another's key.
    """
    if directory is None:
        return MemorySpool(most_bytes=min(most_bytes, 16 * 1024 * 1024)), ""
    destination = sha256(f"{base_url}\n{api_key}".encode()).hexdigest()[:16]
    try:
        return FileSpool(directory / destination, most_bytes=most_bytes), ""
    except OSError as error:
        return MemorySpool(most_bytes=min(most_bytes, 16 * 1024 * 1024)), f"{directory} cannot be written: {error}"


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOSED_IN_CHILDREN, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
