"""One supervisor a home: a lock that dies with its owner, and a list of children.

With the list the next start ends what a killed supervisor left behind. A process is known by its id and its start
time together, so a recycled id is never signalled.
"""

import fcntl
import json
import os
import signal
import time
from pathlib import Path

__all__ = ["AlreadyRunningError", "HomeClaim"]


class AlreadyRunningError(Exception):
    """Another supervisor works in this home."""


class HomeClaim:
    """Holds `up/lock` for as long as this process lives; keeps `up/children.json`."""

    def __init__(self, home: Path) -> None:
        self._directory = home / "up"
        self._directory.mkdir(parents=True, exist_ok=True)
        self._list = self._directory / "children.json"
        self._descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunningError(
                f"Spanmeter already runs in {home} (process {owner}). Stop it there with Ctrl-C, "
                "or give this one its own SPANMETER_HOME and ports."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._children: dict[int, int] = {}

    def release(self) -> None:
        """Give the home back."""
        self._list.unlink(missing_ok=True)
        os.close(self._descriptor)

    def child_started(self, pid: int) -> None:
        """Remember a child."""
        self._children[pid] = start_ticks(pid)
        self._save()

    def child_ended(self, pid: int) -> None:
        """Forget a child."""
        self._children.pop(pid, None)
        self._save()

    def end_leftovers(self, *, patience: float = 8.0) -> list[int]:
        """End what an earlier supervisor of this home left behind: politely, then not. Returns the ids."""
        try:
            listed = json.loads(self._list.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return []
        left = {int(pid): int(ticks) for pid, ticks in listed.items() if ticks and start_ticks(int(pid)) == int(ticks)}
        ids = sorted(left)
        _signal(left, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = _alive(left)
        _signal(left, signal.SIGKILL)
        while left:
            time.sleep(0.02)
            left = _alive(left)
        self._list.unlink(missing_ok=True)
        return ids

    def _save(self) -> None:
        temporary = self._list.with_suffix(".new")
        temporary.write_text(json.dumps(self._children), encoding="ascii")
        temporary.replace(self._list)


def start_ticks(pid: int) -> int:
    """Return when the process started, in clock ticks since boot; 0 when there is none, or it is only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in {"Z", "X"} else int(fields[19])


def _alive(processes: dict[int, int]) -> dict[int, int]:
    return {pid: ticks for pid, ticks in processes.items() if start_ticks(pid) == ticks}


def _signal(processes: dict[int, int], number: signal.Signals) -> None:
    for pid in processes:
        try:
            os.killpg(pid, number)  # every child leads its own group
        except ProcessLookupError:
            continue
