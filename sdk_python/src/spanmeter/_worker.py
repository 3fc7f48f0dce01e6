"""The thread behind: takes what is finished from a bounded queue, and has it encoded and delivered.

Putting something into the queue takes no lock, because a span may end inside the garbage collector, in a thread that is
just putting another. A forked child starts with an empty queue and a thread of its own.
"""

import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan

from spanmeter._delivery import Delivery
from spanmeter._encode import Body
from spanmeter._guard import guarded
from spanmeter._score import Score
from spanmeter._settings import Settings

__all__ = ["Worker"]

_SLICE = 2.0  # seconds of delivering what waited before what is new gets its turn
_LOOK_AGAIN = 60.0
_OVERHEAD = 512  # bytes a span takes beside its text


class _Asked:
    """Somebody waits until all that was taken before has been dealt with."""

    __slots__ = ("deadline", "delivered", "done", "stop")

    def __init__(self, deadline: float, *, stop: bool) -> None:
        self.deadline = deadline
        self.stop = stop
        self.done = threading.Event()
        self.delivered = False


class Worker:
    """A sink that delivers in the background."""

    def __init__(
        self,
        *,
        settings: Settings,
        delivery: Delivery,
        encode: Callable[[list[ReadableSpan], list[Score]], Iterator[Body]],
        after_fork: Callable[[], None],
        close: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._delivery = delivery
        self._encode = encode
        self._reset_others = after_fork
        self._close = close
        self._clock = clock
        self._looked_at = clock()
        self._fresh()
        if hasattr(os, "register_at_fork"):
            mine = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _in_child(mine))

    def _fresh(self) -> None:
        self._items: SimpleQueue[Any] = SimpleQueue()
        self._wake: SimpleQueue[_Asked | None] = SimpleQueue()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._weight = 0
        self._woken = False
        self._stopped = False
        self._overflow = threading.RLock()
        self._overflowed: Counter[str] = Counter()

    def in_child(self) -> None:
        """After a fork: what is queued and what waits in memory is the parent's."""
        self._fresh()
        self._reset_others()

    # ---- the host's side: cheap, never waits ---------------------------------------------------------------------

    def take_span(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        attributes = span._attributes or {}
        weight = _OVERHEAD
        for value in attributes.values():
            if type(value) is str:
                weight += len(value)
        self._take(span, weight)

    def take_score(self, score: Score) -> None:
        """Take a score."""
        self._take(score, _OVERHEAD + len(score.comment) + len(score.text_value))

    def _take(self, item: Any, weight: int) -> None:
        waiting = self._items.qsize()
        full = waiting >= self._settings.queue_spans or self._weight + weight > self._settings.queue_bytes
        if full or self._stopped:
            with self._overflow:
                self._overflowed["after_shutdown" if self._stopped else "queue_full"] += 1
            return
        self._weight += weight
        self._items.put((item, weight))
        if self._thread is None:
            self._start()
        if waiting >= self._settings.batch_spans and not self._woken:
            self._woken = True
            self._wake.put(None)

    def dropped(self) -> dict[str, int]:
        """Return how many records nobody will see, by reason."""
        return dict(self._overflowed + self._delivery.dropped)

    def queued(self) -> int:
        """Return how many records are on their way to be encoded."""
        return self._items.qsize()

    def flush(self, timeout: float) -> bool:
        """Have everything sent; True when the server has it all."""
        return self._ask(timeout, stop=False)

    def shutdown(self, timeout: float) -> bool:
        """Send or keep everything, within the time, and stop."""
        if self._stopped:
            return True
        return self._ask(timeout, stop=True)

    def _ask(self, timeout: float, *, stop: bool) -> bool:
        asked = _Asked(self._clock() + timeout, stop=stop)
        if self._stopped:
            return not self._delivery.backlog
        if self._thread is None or not self._thread.is_alive():
            if self._items.empty() and not self._delivery.backlog:
                self._stopped = stop
                return True
            self._serve(asked)
            return asked.delivered
        self._wake.put(asked)
        if not asked.done.wait(timeout + 0.5) and stop:
            self._rescue()
        return asked.delivered

    @guarded("shutdown", None)
    def _rescue(self) -> None:
        """The thread hangs in a request and the program is about to end: what it holds goes to the disk.

        Should its request succeed after all, the server will know the bytes when they come again.
        """
        self._stopped = True
        self._delivery.keep_under_way()
        while self._batch(self._clock()):
            pass

    def _start(self) -> None:
        if not self._start_lock.acquire(blocking=False):
            return  # another thread is starting it, or this one is, under the garbage collector
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="spanmeter", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:  # no more threads, or the interpreter is being ended: shutdown() does the work
                    self._thread = None
        finally:
            self._start_lock.release()

    # ---- the thread's side ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Our own request must not be traced by an instrumentation of the host's.
        key = getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation")
        otel_context.attach(otel_context.set_value(key, True))
        while not self._stopped:
            try:
                asked = self._wake.get(timeout=self._settings.interval)
            except Empty:
                asked = None
            self._woken = False
            if asked is None:
                self._turn()
            else:
                self._serve(asked)

    @guarded("export", None)
    def _turn(self) -> None:
        now = self._clock()
        if now - self._looked_at > _LOOK_AGAIN:
            self._looked_at = now
            self._delivery.look_again()
        self._delivery.drain(until=now + _SLICE)
        while self._batch(None):
            pass

    def _serve(self, asked: _Asked) -> None:
        try:
            asked.delivered = self._finish(asked)
        finally:
            if asked.stop:
                self._stopped = True
                self._close()
            asked.done.set()

    @guarded("flush", False)
    def _finish(self, asked: _Asked) -> bool:
        if not asked.stop:
            self._delivery.try_now()
        lost = self._lost()
        self._delivery.drain(until=self._half(asked))
        while self._batch(asked.deadline):
            pass
        clean = not self._delivery.backlog or self._delivery.drain(until=asked.deadline)
        return clean and self._lost() == lost

    def _lost(self) -> int:
        return sum(self.dropped().values())

    def _half(self, asked: _Asked) -> float:
        """What is new must at least reach the disk: it gets half of the time."""
        now = self._clock()
        return now + (asked.deadline - now) / 2

    def _batch(self, deadline: float | None) -> bool:
        """Take one batch out of the queue and deliver it; False when there was none."""
        spans: list[ReadableSpan] = []
        scores: list[Score] = []
        weight = 0
        while len(spans) + len(scores) < self._settings.batch_spans and weight < self._settings.batch_bytes:
            try:
                item, size = self._items.get_nowait()
            except Empty:
                break
            weight += size
            (scores if isinstance(item, Score) else spans).append(item)
        # Additions from several threads may get lost; an empty queue weighs nothing, whatever the sum says.
        self._weight = 0 if self._items.empty() else max(self._weight - weight, 0)
        if not spans and not scores:
            return False
        self._send(spans, scores, deadline)
        return True

    def _send(self, spans: list[ReadableSpan], scores: list[Score], deadline: float | None) -> None:
        encoded = 0
        try:
            for body in self._encode(spans, scores):
                encoded += body.records
                left = None if deadline is None else deadline - self._clock()
                if left is not None and left <= 0:
                    self._delivery.keep(body)
                else:
                    self._delivery.deliver(body, timeout=left)
        finally:
            lost = len(spans) + len(scores) - encoded
            if lost:
                self._delivery.drop("not_encodable", lost, "a record could not be written as OTLP")


def _in_child(mine: "weakref.ref[Worker]") -> None:
    worker = mine()
    if worker is not None:
        worker.in_child()
