"""The data directory belongs to one process: a lock that dies with its holder, and says who that is."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO

__all__ = ["DirectoryInUse", "DirectoryLock"]


class DirectoryInUse(Exception):  # noqa: N818
    """Another process has the directory; the message names both."""


class DirectoryLock:
    """A flock on `<directory>/server.lock`, in which the holder writes its pid and port."""

    def __init__(self, directory: Path, *, port: int) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = directory / "server.lock"
        self._file: IO[str] = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            self._file.close()
            raise DirectoryInUse(
                f"{directory} is in use by another store ({holder}); stop it or set SPANMETER_HOME to another directory"
            ) from None
        self.write(port)

    def write(self, port: int) -> None:
        """Say who holds the lock, and where it listens."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), "port": port}))
        self._file.flush()

    def _holder(self) -> str:
        self._file.seek(0)
        try:
            found = json.loads(self._file.read())
            return f"pid {int(found['pid'])}, port {int(found['port'])}"
        except (ValueError, KeyError, TypeError):
            return "which has not said its pid yet"

    def release(self) -> None:
        """Let another process have the directory."""
        self._file.close()

    def __enter__(self) -> "DirectoryLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
