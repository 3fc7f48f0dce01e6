"""Starts processes as soon as those they need are ready, restarts the ones that die, and stops all in stages.

Knows specs, not what the programs do. One event loop, no polling once everything is ready.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from apps.config.up.backoff import Backoff
from apps.config.up.child import Child
from apps.config.up.logs import RotatingLog
from apps.config.up.probe import is_ready
from apps.config.up.spec import ProcessSpec

__all__ = ["ChildRegister", "StartFailedError", "Supervisor"]

PROBE_SECONDS = 0.05
EARLY_DEATHS = 3


class StartFailedError(Exception):
    """A process cannot be started at all; the message says which, and shows its last lines."""


class ChildRegister(Protocol):
    """Whoever wants to know the ids of the children."""

    def child_started(self, pid: int) -> None:
        """A child runs."""

    def child_ended(self, pid: int) -> None:
        """A child is gone."""


class Supervisor:
    """Runs the specs of one installation."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        logs: Path,
        register: ChildRegister,
        echo: Callable[[str, str], None],
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._specs = tuple(specs)
        self._logs = logs
        self._register = register
        self._echo = echo
        self._backoff = backoff
        self._ready = {spec.name: asyncio.Event() for spec in specs}
        self._stopping = {spec.name: asyncio.Event() for spec in specs}
        self._children: dict[str, Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._forced = False

    @property
    def pids(self) -> dict[str, int]:
        """Return the id of each child that runs."""
        return {name: child.pid for name, child in self._children.items()}

    def waiting_for(self) -> list[str]:
        """Return the names that are not ready."""
        return [name for name, event in self._ready.items() if not event.is_set()]

    async def start(self) -> None:
        """Start everything and return when all is ready. Raises StartFailedError when something cannot be."""
        for spec in self._specs:
            self._tasks[spec.name] = asyncio.create_task(self._keep(spec), name=spec.name)
        everything = asyncio.create_task(_all(self._ready.values()))
        try:
            await self._first_failure_or(everything)
        finally:
            everything.cancel()

    async def watch(self) -> None:
        """Return only when a process has been given up."""
        await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        self._raise_failures()

    async def stop(self) -> None:
        """Stop all, stage by stage, each process within its bound."""
        for stage in sorted({spec.stop_stage for spec in self._specs}):
            await asyncio.gather(*(self._end(spec) for spec in self._specs if spec.stop_stage == stage))
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def force(self) -> None:
        """End everything at once, without waiting for anything to be finished."""
        self._forced = True
        for event in self._stopping.values():
            event.set()
        for child in self._children.values():
            child.signal(signal.SIGKILL)

    async def _first_failure_or(self, everything: asyncio.Future[Any]) -> None:
        pending: set[asyncio.Future[Any]] = {everything, *self._tasks.values()}
        while not everything.done():
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failures()

    def _raise_failures(self) -> None:
        for task in self._tasks.values():
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _keep(self, spec: ProcessSpec) -> None:
        """The life of one process: from its turn until we stop."""
        stopping = self._stopping[spec.name]
        if not await _unless(stopping, _all(self._ready[name] for name in spec.after)):
            return
        backoff, log = self._backoff(), RotatingLog(self._logs / f"{spec.name}.log")
        try:
            while not stopping.is_set():
                started = time.monotonic()
                status = await self._run(spec, log)
                if spec.step and status == 0:
                    self._ready[spec.name].set()
                    return
                if stopping.is_set():
                    return
                delay = backoff.delay(time.monotonic() - started)
                told = _told(status)
                if spec.step or (backoff.failures >= EARLY_DEATHS and not self._ready[spec.name].is_set()):
                    raise StartFailedError(self._obituary(spec, told, log))
                self._echo(spec.name, f"{told}; starting it again in {delay:g} s")
                await _unless(stopping, asyncio.sleep(delay))
        finally:
            log.close()

    async def _run(self, spec: ProcessSpec, log: RotatingLog) -> int:
        try:
            child = Child(spec, log=log, echo=self._echo)
        except OSError as error:
            raise StartFailedError(f"{spec.name} cannot be started: {spec.command[0]}: {error.strerror}") from error
        self._children[spec.name] = child
        self._register.child_started(child.pid)
        if self._stopping[spec.name].is_set():
            child.signal(signal.SIGKILL)
        probing = None if spec.step else asyncio.create_task(self._probe(spec), name=f"probe of {spec.name}")
        try:
            return await child.wait()
        finally:
            if probing:
                probing.cancel()
            del self._children[spec.name]
            self._register.child_ended(child.pid)

    async def _probe(self, spec: ProcessSpec) -> None:
        while not await is_ready(spec.probe):  # noqa: ASYNC110  (the event is in another process)
            await asyncio.sleep(PROBE_SECONDS)
        self._ready[spec.name].set()

    async def _end(self, spec: ProcessSpec) -> None:
        self._stopping[spec.name].set()
        task, child = self._tasks.get(spec.name), self._children.get(spec.name)
        if child:
            child.signal(signal.SIGKILL if self._forced else signal.SIGTERM)
        if task:
            done, _ = await asyncio.wait([task], timeout=spec.stop_seconds)
            if not done and (child := self._children.get(spec.name)):
                if not spec.may_be_cut_off:
                    self._echo(spec.name, f"did not stop within {spec.stop_seconds:g} s; ending it")
                child.signal(signal.SIGKILL)
                await asyncio.wait([task])

    def _obituary(self, spec: ProcessSpec, told: str, log: RotatingLog) -> str:
        tail = "\n".join(f"  {line.decode('utf-8', 'replace')}" for line in log.tail(12))
        return f"{spec.name} {told}. Its last lines ({self._logs / (spec.name + '.log')}):\n{tail}"


def _told(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in tuple(events):
        await event.wait()


async def _unless(stopping: asyncio.Event, work: Awaitable[object]) -> bool:
    """Wait for the work or for the word to stop; whether the work was done."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    waited: list[asyncio.Future[Any]] = [task, stop]
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return task.done()
    finally:
        task.cancel()
        stop.cancel()
