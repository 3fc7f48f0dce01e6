"""The chDB engine: one per process and directory, with sessions that run statements. The only module that touches chDB.

A session is used by one thread at a time. Its calls block and let other threads run. Knows no client and no socket.
"""

import contextlib
import importlib
import importlib.util
import itertools
import json
import os
import re
import sys
import threading
import types
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ingestion.store.server.options import SERVER_DEFAULTS, difference, identifier, quoted

__all__ = ["Engine", "EngineError", "EngineSession"]

_CODE = re.compile(r"Code: (\d+)\. (.*)", re.DOTALL)
_CANCELLED = 394
_NOT_STREAMABLE = "Streaming query is not supported"
# Tells the sessions apart in system.processes, where the engine shows changed settings but lets nobody choose a
# query's id. The setting belongs to queue engines that are not served here, and does nothing.
_MARK = "stream_like_engine_insert_queue"


class EngineError(Exception):
    """The engine refused or failed: ClickHouse's code, and its message as a server would send it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def cancelled(self) -> bool:
        """Say whether the statement was stopped by `interrupt`."""
        return self.code == _CANCELLED


def _error(raised: Exception) -> EngineError:
    # A message that quotes bytes of the query need not be UTF-8; then the binding fails to raise it, and has it as
    # its object.
    said = raised.object.decode("utf-8", "replace") if isinstance(raised, UnicodeDecodeError) else str(raised)
    found = _CODE.search(said)
    return EngineError(int(found[1]), found[2]) if found else EngineError(1002, f"DB::Exception: {said}")


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    # pybind11 raises bare RuntimeErrors (and ChdbError, which is one).
    try:
        yield
    except (RuntimeError, ValueError) as raised:
        raise _error(raised) from None


def _text(sql: str) -> bytes:
    """Return the bytes that the client sent: ClickHouse's strings are bytes, and a literal need not be UTF-8."""
    return sql.encode("utf-8", "surrogateescape")


def _load() -> Any:
    """Import the engine's extension module without the package around it.

    `import chdb` starts an engine in memory to learn its version and installs signal handlers: 14 MB and a SIGTERM
    that is not ours. The flags are the package's own: RTLD_DEEPBIND keeps the engine's allocator apart from the
    process's.
    """
    if "chdb" not in sys.modules:
        spec = importlib.util.find_spec("chdb")
        if spec is None:
            raise ModuleNotFoundError("chdb is not installed: pip install chdb, or set SPANMETER_CLICKHOUSE_URL")
        package = types.ModuleType("chdb")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["chdb"] = package
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        module = importlib.import_module("chdb._chdb")
    finally:
        sys.setdlopenflags(flags)
    module.set_signal_handlers_enabled(0)
    return module


class EngineSession:
    """One session: a current database, settings, temporary tables."""

    def __init__(self, module: Any, path: str, mark: str, *, readonly: bool, defaults: Mapping[str, str]) -> None:
        self.mark = mark
        self.readonly = readonly
        self._defaults = {**defaults, _MARK: mark}
        self._settings: dict[str, str] = {}
        self._classes = module.query_class
        with _errors():
            self._connection = module.connect(path)
        self.run(difference({}, self._defaults))
        if readonly:
            # 2, not 1: settings may still change, and they do with every query. Nothing else is different.
            self.run("SET readonly = 2")

    def use(self, database: str) -> None:
        """Make a database the current one."""
        self.run(f"USE {identifier(database)}")

    def apply(self, settings: Mapping[str, str]) -> None:
        """Make these the session's settings, beside the defaults."""
        change = difference(self._settings, settings, self._defaults)
        if change:
            try:
                self.run(change)
            except EngineError:
                # Which of them were taken is not known: forget all, so that the next query sets them again.
                self._settings = dict.fromkeys({*self._settings, *settings}, "\x00unknown")
                self._reset()
                raise
        self._settings = dict(settings)

    def _reset(self) -> None:
        for name in list(self._settings):
            with contextlib.suppress(EngineError):
                self.run(difference({name: ""}, {}, self._defaults))
                del self._settings[name]

    def only_reads(self, sql: str) -> bool:
        """Ask the engine's parser whether this is SELECT, SHOW, DESCRIBE, EXISTS, EXPLAIN or CHECK."""
        with _errors():
            return bool(self._connection.classify_query(_text(sql))["query_class"] == self._classes.READ_ONLY)

    def run(self, sql: str) -> bytes:
        """Run any statement to its end and return its whole answer as Native blocks."""
        with _errors():
            return bytes(self._connection.query(_text(sql), "Native").bytes())

    def stream(self, sql: str) -> Generator[bytes, None, None] | None:
        """Start a SELECT and return its blocks as the engine makes them, or None when it is no SELECT and must be
        run.
        """
        try:
            with _errors():
                result = self._connection.send_query(_text(sql), "Native")
        except EngineError as error:
            if _NOT_STREAMABLE in error.message:
                return None
            raise
        return self._chunks(result)

    def _chunks(self, result: Any) -> Generator[bytes, None, None]:
        ended = False
        try:
            while True:
                with _errors():
                    try:
                        chunk = self._connection.streaming_fetch_result(result)
                    except BaseException:
                        ended = True
                        raise
                if chunk is None or not chunk.rows_read():
                    ended = True
                    return
                yield chunk.bytes()
        finally:
            if not ended:
                with contextlib.suppress(EngineError), _errors():
                    self._connection.streaming_cancel_query(result)

    def rows(self, sql: str) -> list[list[Any]]:
        """Run a small query of our own and return its rows as Python values."""
        with _errors():
            answer = bytes(self._connection.query(_text(sql), "JSONCompactEachRow").bytes())
            return [json.loads(line) for line in answer.splitlines()]

    def close(self) -> None:
        """Give the session back."""
        with contextlib.suppress(EngineError), _errors():
            self._connection.close()


class Engine:
    """The engine of one data directory. It lives as long as its first session, which is kept open for that and for
    interrupts.
    """

    def __init__(self, directory: Path, config: Path, *, defaults: Mapping[str, str] = SERVER_DEFAULTS) -> None:
        self._module = _load()
        self.directory = str(directory)
        self._defaults = defaults
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        with _errors():
            self._anchor = self._module.connect(f"{self.directory}?config-file={quote(str(config))}")
        self._own = self.session()
        self.version: str = self._own.rows("SELECT version()")[0][0]
        self.timezone: str = self._own.rows("SELECT timezone()")[0][0]
        self.settings: dict[str, str] = dict(self._own.rows("SELECT name, type FROM system.settings"))

    def session(self, *, readonly: bool = False) -> EngineSession:
        """Open a session (1 ms)."""
        mark = f"session-{next(self._numbers)}"
        return EngineSession(self._module, self.directory, mark, readonly=readonly, defaults=self._defaults)

    def interrupt(self, mark: str) -> None:
        """Stop whatever the session of this mark is running; it ends with an EngineError that is `cancelled`."""
        with self._lock, contextlib.suppress(EngineError):
            self._own.run(f"KILL QUERY WHERE Settings[{quoted(_MARK)}] = {quoted(mark)} ASYNC")

    def close(self) -> None:
        """Write out what is pending and release the directory. All other sessions must be closed before."""
        with self._lock:
            self._own.close()
            with contextlib.suppress(EngineError), _errors():
                self._anchor.close()
