"""An engine of ingest's own, for a ClickHouse that cannot read our files: it unfolds batches; its blocks are relayed.

It answers like a `Writer`, with the same errors, so `Staging` works with either. Nothing is kept in it: its tables are
in memory. It is opened by the first batch that needs it, because an installation without OTLP should not pay for it.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ingestion.store.client import QueryFailed
from ingestion.store.server import blocks
from ingestion.store.server.config import engine_config
from ingestion.store.server.engine import Engine, EngineError, EngineSession
from ingestion.store.server.options import quoted

__all__ = ["Decoder"]

_MEMORY = 1_500_000_000  # bytes; a batch of 32 MiB takes about 300 MB


class Decoder:
    """One engine, used by one thread at a time."""

    def __init__(self, folder: Path, *, memory_bytes: int = _MEMORY) -> None:
        self._folder = folder
        self._memory = memory_bytes
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._session: EngineSession | None = None

    def command(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> None:
        """Run a statement to its end."""
        self._run(sql, params, settings)

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query, lists in them as tuples."""
        with self._lock:
            session = self._opened()
            try:
                session.apply({})
                return [tuple(map(_frozen, row)) for row in session.rows(_filled(sql, params))]
            except EngineError as error:
                raise QueryFailed(error.code, error.message) from None

    def blocks(
        self, sql: str, params: Mapping[str, Any], *, settings: Mapping[str, str | int | float]
    ) -> Iterable[bytes]:
        """Return a query's answer as Native blocks."""
        return blocks.split(self._run(sql, params, settings))

    def close(self) -> None:
        """Give the memory back; the next statement opens it again."""
        with self._lock:
            if self._session and self._engine:
                self._session.close()
                self._engine.close()
            self._engine = self._session = None

    def _run(
        self, sql: str, params: Mapping[str, Any] | None, settings: Mapping[str, str | int | float] | None
    ) -> bytes:
        with self._lock:
            session = self._opened()
            try:
                session.apply({name: str(value) for name, value in (settings or {}).items()})
                return session.run(_filled(sql, params))
            except EngineError as error:
                raise QueryFailed(error.code, error.message) from None

    def _opened(self) -> EngineSession:
        if self._session is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            config = self._folder / "engine.xml"
            config.write_text(engine_config(memory_bytes=self._memory), encoding="utf-8")
            try:
                self._engine = Engine(self._folder, config)
            except EngineError as error:
                raise QueryFailed(error.code, error.message) from None
            self._session = self._engine.session()
        return self._session


def _filled(sql: str, params: Mapping[str, Any] | None) -> str:
    """Put literals into `%(name)s`, as clickhouse-driver does."""
    return sql % {name: _literal(value) for name, value in params.items()} if params else sql


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_literal, value))}]"
    return str(int(value))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
