"""One piece of work that is done ahead, in a thread of its own, and is only used where it fits.

Whoever comes to the place that it was done for takes it; for any other place it is forgotten. An error ahead is no
error: the work is then done again at its time, and fails where somebody waits for it.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Ahead", "Place"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the spool."""

    writer: str
    segment: int
    offset: int


class Ahead(Generic[T]):
    """At most one piece of work. `discard` is told what came of work that nobody will take."""

    def __init__(self, discard: Callable[[T], None]) -> None:
        self._discard = discard
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._place: Place | None = None
        self._work: Future[T] | None = None

    def start(self, place: Place, work: Callable[[], T]) -> None:
        """Begin, unless something is under way or waits to be taken."""
        if self._work is None:
            self._place, self._work = place, self._pool.submit(work)

    def taken(self, place: Place) -> T | None:
        """Return what was done for this place, once it is done; None where nothing was, or not with success.

        What was done for another place of the same writer is forgotten; another writer's work waits for its turn.
        """
        work, known = self._work, self._place
        if work is None or known is None or known.writer != place.writer:
            return None
        if known != place or work.exception() is not None:
            self.forget()
            return None
        self._place = self._work = None
        return work.result()

    def forget(self) -> None:
        """Wait until nothing runs, and forget what it came to."""
        work, self._place, self._work = self._work, None, None
        if work is not None and work.exception() is None:
            self._discard(work.result())
