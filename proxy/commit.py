"""Group commit: the frames of one turn of the event loop become one write, and whoever waits for them is told after it.

With fsync `always` they are told after the fsync, which runs in a thread and takes along everything that was written
before it began. Knows frames and callbacks, not what is in them.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from ingestion.spool.writer import SpoolWriter

__all__ = ["GroupCommit"]

log = logging.getLogger("proxy.commit")
Told = Callable[[bool], None]


class GroupCommit:
    """Collects frames and writes them together."""

    def __init__(
        self,
        writer: SpoolWriter,
        *,
        loop: asyncio.AbstractEventLoop,
        fsync: Literal["off", "interval", "always"],
        interval: float,
    ) -> None:
        self.writer = writer
        self._loop = loop
        self._fsync = fsync
        self._interval = interval
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._frames: list[list[bytes] | Callable[[], list[bytes]]] = []
        self._waiting: list[Told | None] = []
        self._unsynced: list[Told] = []
        self._syncing: asyncio.Future[None] | None = None
        self._closed = False
        self._refusing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the once-a-second care of the spool."""
        self._task = self._loop.create_task(self._keep())

    def add(self, frame: list[bytes], told: Told | None = None) -> None:
        """Add a frame to the group; `told` is called with whether it was written, never before this returns."""
        if not self._frames:
            # uvloop runs what is scheduled here after the events of this poll were all handled: they share the write.
            self._loop.call_soon(self.flush)
        self._frames.append(frame)
        self._waiting.append(told)

    def add_later(self, make: Callable[[], list[bytes]]) -> None:
        """Add a frame that nobody waits for, to be made when the group is written: after this turn's bytes
        were sent.
        """
        if not self._frames:
            self._loop.call_soon(self.flush)
        self._frames.append(make)
        self._waiting.append(None)

    def flush(self) -> None:
        """Write what was collected."""
        if not self._frames:
            return
        frames = [frame if isinstance(frame, list) else frame() for frame in self._frames]
        self._frames = []
        waiting, self._waiting = self._waiting, []
        written = self.writer.append(frames)
        if self._fsync == "always":
            self._unsynced += [told for told in waiting[:written] if told is not None]
            self._start_sync()
        else:
            for told in waiting[:written]:
                if told is not None:
                    told(True)
        self._log_change(refused=written < len(frames))
        if written < len(frames):
            for told in waiting[written:]:
                if told is not None:
                    told(False)

    def _log_change(self, *, refused: bool) -> None:
        if refused != self._refusing:
            self._refusing = refused
            if refused:
                log.warning("the spool refuses records: %s", self.writer.refusal)
            else:
                log.info("the spool takes records again")

    def _start_sync(self) -> None:
        if self._syncing is not None or not self._unsynced:
            return
        waiting, self._unsynced = self._unsynced, []

        def done(future: "asyncio.Future[None]") -> None:
            self._syncing = None
            error = future.exception()
            if error is not None:
                log.error("spool fsync failed: %s", error)
            for told in waiting:
                told(True)
            self._start_sync()

        self._syncing = self._loop.run_in_executor(self._thread, self.writer.sync)
        self._syncing.add_done_callback(done)

    async def _keep(self) -> None:
        """Seal old segments, tell losses, measure the spool, and sync in the interval that was asked for."""
        while not self._closed:
            await asyncio.sleep(min(1.0, self._interval))
            self.writer.tick()
            try:
                await self._loop.run_in_executor(self._thread, self._background)
            except OSError as error:
                log.error("spool upkeep failed: %s", error)  # noqa: TRY400 - the message says it all

    def _background(self) -> None:
        self.writer.survey()
        if self._fsync != "off":
            self.writer.sync()

    async def close(self) -> None:
        """Write and sync what is left, and close the writer."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        self.flush()
        while self._syncing is not None:
            await asyncio.wait([self._syncing])
        self._thread.shutdown(wait=True)
        self.writer.close(sync=self._fsync != "off")
        self.flush()
