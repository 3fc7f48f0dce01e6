"""Several gateway processes behind one port: this parent holds the port, starts the workers and replaces the dead.

Each worker has a listening socket of its own on the same address (SO_REUSEPORT), so the kernel deals the connections
out. The parent made the sockets and keeps them open: what waits in the queue of a worker that dies is served by the one
that takes its place. Imports neither the gateway nor its libraries, so that it weighs little.
"""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

__all__ = ["Workers", "how_many", "listening_sockets", "own_command"]

log = logging.getLogger("proxy.workers")
BACKLOG = 1024
_YOUNG_SECONDS = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_WRONG_SETTINGS = 2  # the exit status that a new start would not change


def how_many(wanted: int, *, cores: int) -> int:
    """Return the number of workers; 0 wanted: by cores, of which the store and ingest need some."""
    if wanted:
        return wanted
    return 1 if cores < 2 else 2 if cores < 8 else 4


def listening_sockets(host: str, port: int, *, count: int) -> list[socket.socket]:
    """Return `count` sockets that listen on one address. Raises OSError when somebody else does."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    # Without SO_REUSEPORT, so that another gateway on this port is noticed and not joined.
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(address)
        alone.listen(1)
        address = alone.getsockname()
    made: list[socket.socket] = []
    for _ in range(count):
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and host in {"", "::"}:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.bind(address)
        one.listen(BACKLOG)
        made.append(one)
    return made


class _Slot:
    """A worker's place: its sockets, and the process that has it now."""

    def __init__(self, number: int, listeners: Sequence[socket.socket]) -> None:
        self.number = number
        self.listeners = listeners
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.pause = _FIRST_PAUSE
        self.due = 0.0


class Workers:
    """Runs until told to stop; the command gets `--worker <slot> <descriptor of our life> <listening descriptors>`."""

    def __init__(self, command: Sequence[str], *ports: Sequence[socket.socket]) -> None:
        """Each of `ports` has a listening socket for each worker; one that nobody serves is empty."""
        self._command = tuple(command)
        served = [port for port in ports if port]
        self._slots = [_Slot(number, listeners) for number, listeners in enumerate(zip(*served, strict=True))]
        self._life, self._ours = os.pipe()  # when we die, however, our end closes and the workers stop
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Start, replace, stop; returns the exit status."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            self._reap()
            if self._stopping and not any(slot.process for slot in self._slots):
                return self._status
            select.select([woken], [], [], self._start_due())
            try:
                os.read(woken, 512)
            except BlockingIOError:
                pass

    def _stop(self, number: int, _frame: object) -> None:
        self._stopping = True
        for slot in self._slots:
            if slot.process is not None:
                slot.process.send_signal(number)

    def _start_due(self) -> float | None:
        """Start the workers whose time has come; returns the seconds until the next one's."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None and not self._stopping and slot.due <= now:
                descriptors = (self._life, *(listener.fileno() for listener in slot.listeners))
                arguments = ("--worker", str(slot.number), *map(str, descriptors))
                slot.process = subprocess.Popen((*self._command, *arguments), pass_fds=descriptors)
                slot.started = now
        waits = [slot.due - now for slot in self._slots if slot.process is None]
        return max(0.0, min(waits)) if waits and not self._stopping else None

    def _reap(self) -> None:
        for slot in self._slots:
            if slot.process is None or slot.process.poll() is None:
                continue
            status, slot.process = slot.process.returncode, None
            if self._stopping:
                continue
            lived = time.monotonic() - slot.started
            if status == _WRONG_SETTINGS:
                self._status = status
                self._stop(signal.SIGTERM, None)
                continue
            slot.pause = _FIRST_PAUSE if lived >= _YOUNG_SECONDS else min(_LONGEST_PAUSE, 2 * slot.pause)
            slot.due = time.monotonic() + slot.pause
            log.warning("worker %d ended with status %d after %.0f s: started again", slot.number, status, lived)


def own_command() -> tuple[str, ...]:
    """Return how a worker is started."""
    return sys.executable, "-m", "proxy"
