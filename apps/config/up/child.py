"""One running child: started in a group of its own, tied to our life, its output pumped, ended with a bound.

Waits on a process descriptor and not on the end of its output, which a grandchild may hold open.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from apps.config.up.logs import Lines, RotatingLog, Severity
from apps.config.up.spec import ProcessSpec

__all__ = ["Child", "Echo"]

PR_SET_PDEATHSIG = 1
READ_BYTES = 64 * 1024
Echo = Callable[[str, str], None]


class Child:
    """A process and its output. Made inside a running event loop."""

    def __init__(self, spec: ProcessSpec, *, log: RotatingLog, echo: Echo) -> None:
        """Start the program. Its own session keeps the terminal's Ctrl-C away: the order of stopping is ours."""
        self._spec = spec
        self._log = log
        self._echo = echo
        self._lines, self._severity = Lines(), Severity()
        self._output, for_child = os.pipe()
        try:
            self._process = subprocess.Popen(
                spec.command,
                stdin=subprocess.DEVNULL,
                stdout=for_child,
                stderr=for_child,
                env=dict(spec.environment),
                start_new_session=True,
                preexec_fn=_before(os.getpid(), spec.nice) if sys.platform == "linux" else None,
            )
        except OSError:
            os.close(self._output)
            raise
        finally:
            os.close(for_child)
        _yield_processor(self._process.pid, spec.nice)
        os.set_blocking(self._output, False)
        asyncio.get_running_loop().add_reader(self._output, self._pump)

    @property
    def pid(self) -> int:
        """The process id, which is its group's too."""
        return self._process.pid

    async def wait(self) -> int:
        """Return the exit status once the process is gone, its group is ended and its output is kept."""
        if hasattr(os, "pidfd_open"):
            await _readable(os.pidfd_open(self.pid))
            status = self._process.wait()
        else:
            status = await asyncio.to_thread(self._process.wait)
        self.signal(signal.SIGKILL)  # a worker of a killed server would keep its port
        while self._pump():
            pass
        asyncio.get_running_loop().remove_reader(self._output)
        os.close(self._output)
        self._keep(self._lines.end())
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send SIGKILL to the process's whole group; anything else to the process, which knows how to end its own."""
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                self._process.send_signal(number)

    def _pump(self) -> bool:
        """Keep what there is to read; whether there was something."""
        try:
            data = os.read(self._output, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._output)
            return False
        self._keep(self._lines.feed(data))
        return True

    def _keep(self, lines: list[bytes]) -> None:
        for line in lines:
            self._log.write(line)
            if self._severity.is_loud(line):
                self._echo(self._spec.name, line.decode("utf-8", "replace"))


async def _readable(descriptor: int) -> None:
    """Wait until the descriptor can be read, then close it."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        loop.remove_reader(descriptor)
        ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _yield_processor(pid: int, nice: int) -> None:
    """Let a process's session have less of the processors. Kernels that group by session (sched_autogroup) count
    niceness between sessions, and each child has its own; elsewhere there is no such file and its own niceness counts.
    """
    if nice:
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")


def _before(parent: int, nice: int) -> Callable[[], None]:
    """Return what the new process runs before its program: SIGTERM when the supervisor dies, even by kill -9."""
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        os.nice(nice)
        if os.getppid() != parent:
            os._exit(1)

    return tie
