"""The only executor of reads: a reader handle, limits, a log comment that says which read it was.

Never builds SQL; an untagged statement is refused, so that the store's query log can always be joined to what the
product did.
"""

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Protocol

from apps.analytics.statement import Statement
from ingestion.store.client import QueryFailed, StoreUnavailable

__all__ = ["QueryFailed", "Reader", "Reads", "StoreUnavailable", "UntaggedRead", "install", "reads"]

_TAG = re.compile(r"[a-z_]+(\.[a-z_]+)*")
_MOST_ROWS = 100_000
_SIDE_BY_SIDE = 16  # threads that all pages share


class Reader(Protocol):
    """What is asked of ingestion.store.client: run one SELECT with bound values."""

    def rows(
        self, sql: str, values: Mapping[str, Any], /, *, comment: str, settings: Mapping[str, str | int | float]
    ) -> Sequence[tuple[Any, ...]]:
        """Return all rows, or raise StoreUnavailable or QueryFailed."""


class UntaggedRead(ValueError):  # noqa: N818
    """A statement without a tag: nobody could tell in the query log where it came from."""


class Reads:
    """Executes statements. One per process; safe for threads when its reader is."""

    def __init__(self, reader: Reader, *, seconds: float = 20.0) -> None:
        self._reader = reader
        self._seconds = seconds
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def rows(self, statement: Statement, *, seconds: float | None = None) -> Sequence[tuple[Any, ...]]:
        """Run one statement within `seconds`."""
        if not _TAG.fullmatch(statement.tag):
            raise UntaggedRead(f"tag {statement.tag!r} of: {statement.sql[:80]}")
        limit = self._seconds if seconds is None else min(seconds, self._seconds)
        settings: dict[str, str | int | float] = {
            "max_execution_time": limit,
            "max_result_rows": _MOST_ROWS,
            "result_overflow_mode": "throw",
        }
        if statement.by_key:
            settings["query_plan_enable_optimizations"] = 0
        return self._reader.rows(
            statement.sql, statement.values, comment=f"spanmeter:{statement.tag}", settings=settings
        )

    def together(self, *statements: Statement) -> tuple[Sequence[tuple[Any, ...]], ...]:
        """Run statements side by side, each on a connection of its own; return their rows in order.

        All have ended when this returns or raises; the first that failed, in order, is the error.
        """
        pool = self._others()
        under_way = [pool.submit(self.rows, statement) for statement in statements[1:]]
        try:
            first = self.rows(statements[0])
        finally:
            wait(under_way)
        return (first, *(one.result() for one in under_way))

    def _others(self) -> ThreadPoolExecutor:
        """Threads for what runs beside the caller's own; a process that was forked has none of its parent's."""
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="reads")
                self._pid = os.getpid()
            return self._pool


class _Installed:
    """The process's executor: made on first use, so that starting needs no store."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.make: Callable[[], Reads] | None = None
        self.made: Reads | None = None


_installed = _Installed()


def install(make: Callable[[], Reads]) -> None:
    """Say how this process reads; called once by the wiring."""
    with _installed.lock:
        _installed.make, _installed.made = make, None


def reads() -> Reads:
    """Return the process's executor."""
    with _installed.lock:
        if _installed.made is None:
            if _installed.make is None:
                raise RuntimeError("apps.analytics.run.install() has not been called")
            _installed.made = _installed.make()
        return _installed.made
