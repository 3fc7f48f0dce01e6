"""Speak with ClickHouse, embedded or a server: pooled connections, a `Reader` that can only read, a `Writer`. The
only module that imports clickhouse_driver.

Errors say whose fault it is: `StoreUnavailable` (nobody answered, or the line broke: whether an insert has happened
is then unknown, and its token makes it safe to send again) or `QueryFailed` (ClickHouse answered no, with its code).
Knows no table and no SQL of its own.
"""

import contextlib
import os
import queue
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from clickhouse_driver import Client
from clickhouse_driver import errors as driver_errors

from ingestion.settings import StoreSettings

__all__ = [
    "EXACTLY_ONCE",
    "SELECT_EXACTLY_ONCE",
    "UNREPEATED",
    "Address",
    "QueryFailed",
    "Reader",
    "Result",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Writer",
    "connect",
    "parse_url",
]

Settings = Mapping[str, str | int | float]

# An insert with a token: the same token and the same rows are stored once, in the table and in every view behind it.
EXACTLY_ONCE: Settings = {
    "insert_deduplicate": 1,
    "deduplicate_insert": "enable",
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "async_insert": 0,
    # Distributed tables answer when the shards have the rows, not when they are in a queue on the initiator.
    "distributed_foreground_insert": 1,
    "insert_distributed_sync": 1,
}
# INSERT … SELECT with a token: a token is numbered per block, so the same rows must fall into the same blocks each
# time. One thread reads, one writes, and the sizes at which blocks are cut and put together are said here instead of
# left to a server's default.
SELECT_EXACTLY_ONCE: Settings = {
    **EXACTLY_ONCE,
    "deduplicate_insert_select": "enable_when_possible",
    "max_threads": 1,
    "max_insert_threads": 1,
    "max_block_size": 65_409,
    "max_insert_block_size": 1_048_449,
    "min_insert_block_size_rows": 1_048_449,
    "min_insert_block_size_bytes": 67_108_864,
    "input_format_parallel_parsing": 0,
}
# An insert without a token: two equal batches are two batches. (ClickHouse would take the second for a repetition of
# the first.)
UNREPEATED: Settings = {"insert_deduplicate": 0, "deduplicate_insert": "disable", "async_insert": 0}

_BLOCK_ROWS = 1_000_000
# Spoken with every ClickHouse, embedded or not: in later revisions a column may come in a serialisation of its own, and
# the Native blocks of one engine could not be handed to another as they are.
_REVISION = 54447
_DATA = b"\x02\x00\x01\x00\x02\xff\xff\xff\xff\x00"  # a Data packet for no temporary table, before its block
_CONNECT_SECONDS = 5


class StoreError(Exception):
    """The store could not do what it was asked: StoreUnavailable | QueryFailed."""


class StoreUnavailable(StoreError):  # noqa: N818
    """Nobody answered, or the connection broke. What was under way may have happened."""


class QueryFailed(StoreError):  # noqa: N818
    """ClickHouse refused or gave up; `code` is its number (https://clickhouse.com/docs, system.errors)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"ClickHouse error {code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Address:
    """Where a ClickHouse is and how to sign in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    secure: bool = False
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a SELECT and, in the same order, name and type of its columns."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


def parse_url(url: str) -> Address:
    """Read `clickhouse://user:password@host:port/database?secure=1&verify=0`; `clickhouses://` is secure as well."""
    parts = urlsplit(url)
    if parts.scheme not in {"clickhouse", "clickhouses"} or not parts.hostname:
        shown = f"{parts.scheme}://…" if parts.scheme else repr(url[:40])
        raise ValueError(f"{shown}: expected clickhouse://user:password@host:port/database")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown = sorted(set(options) - {"secure", "verify"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} in the ClickHouse URL: only secure and verify are known")
    secure = parts.scheme == "clickhouses" or options.get("secure", "0") in {"1", "true", "yes"}
    return Address(
        host=parts.hostname,
        port=parts.port or (9440 if secure else 9000),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or "default",
        secure=secure,
        verify=options.get("verify", "1") not in {"0", "false", "no"},
    )


class _Pool:
    """Idle connections, newest first. A connection that broke is not given back."""

    def __init__(self, address: Address, *, timeout: float, size: int) -> None:
        self._address = address
        self._timeout = timeout
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue(size)
        self._pid = os.getpid()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Client]:
        """Lend a connection; whatever goes wrong in the block is told as a StoreError."""
        client = self._take()
        try:
            yield client
        except driver_errors.ServerException as error:
            raise QueryFailed(error.code, str(error.message).split(" Stack trace:", 1)[0].strip()) from None
        except (driver_errors.NetworkError, EOFError, OSError) as error:
            client.disconnect()
            where = f"{self._address.host}:{self._address.port}"
            reason = str(error) or type(error).__name__
            raise StoreUnavailable(f"ClickHouse at {where} does not answer ({reason})") from None
        except BaseException:
            # An answer may be half read: this connection would give it to the next query.
            client.disconnect()
            raise
        else:
            self._give(client)

    def _take(self) -> Client:
        if self._pid != os.getpid():  # forked: the sockets belong to the parent
            self._pid, self._idle = os.getpid(), queue.LifoQueue(self._idle.maxsize)
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            address = self._address
            client = Client(
                address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                secure=address.secure,
                verify=address.verify,
                client_name="spanmeter",
                connect_timeout=_CONNECT_SECONDS,
                send_receive_timeout=self._timeout,
                compression=False,
                tcp_keepalive=True,
                client_revision=_REVISION,
            )
            # The driver asks before each query whether the other side is there, and waits for the answer. What ended
            # has said so: its socket can be read.
            client.connection.ping = lambda: not _readable(client.connection.socket)
            return client

    def _give(self, client: Client) -> None:
        try:
            self._idle.put_nowait(client)
        except queue.Full:
            client.disconnect()

    def close(self) -> None:
        """Close the idle connections."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().disconnect()


def _readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _commented(sql: str, comment: str, *, bound: bool) -> str:
    said = comment.strip().replace("*/", "* /")
    if not said:
        raise ValueError("a read without a comment: say who asks, such as 'overview project=17'")
    return f"/* {said.replace('%', '%%') if bound else said} */ {sql}"


class Reader:
    """Runs SELECTs, and nothing else: ClickHouse itself is told that this may only read, how long, and with how much
    memory.

    Every read begins with a comment that says who asks: in system.processes and system.query_log it stands in the
    query's text. (As the setting `log_comment` it would differ from read to read, and an embedded session would have
    to be told each time, which takes as long as a small read.)
    """

    def __init__(self, pool: _Pool, *, max_seconds: float, max_memory: int) -> None:
        self._pool = pool
        self._limits = {"readonly": 1, "max_execution_time": max_seconds, "max_memory_usage": max_memory}

    def _settings(self, settings: Settings | None) -> dict[str, str | int | float]:
        return {**self._limits, **(settings or {}), "readonly": 1}

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, *, comment: str, settings: Settings | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows. `%(name)s` in the SQL is replaced by params['name'], quoted by the driver; where there are
        params, a percent sign of the SQL itself is written twice.
        """
        return self.result(sql, params, comment=comment, settings=settings).rows

    def result(
        self, sql: str, params: Mapping[str, Any] | None = None, *, comment: str, settings: Settings | None = None
    ) -> Result:
        """Return the rows with the names and types of their columns."""
        options, sql = self._settings(settings), _commented(sql, comment, bound=bool(params))
        with self._pool.connection() as client:
            rows, columns = client.execute(sql, params or None, with_column_types=True, settings=options)
        return Result(columns=columns, rows=rows)

    def stream(
        self, sql: str, params: Mapping[str, Any] | None = None, *, comment: str, settings: Settings | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as they come, for answers too large to hold. Closing the iterator early stops the query."""
        options, sql = self._settings(settings), _commented(sql, comment, bound=bool(params))
        with self._pool.connection() as client:
            yield from client.execute_iter(sql, params or None, settings=options)


class Writer:
    """Runs DDL and inserts; reads too, for those who must look before they write."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    def insert(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str, settings: Settings | None = None
    ) -> int:
        """Insert columns of equal length as one block; return the number of rows.

        The same token with the same rows is stored once, however often it is sent: after StoreUnavailable, send it
        again. An empty token says that repetition is meant: every call stores its rows.
        """
        lengths = {name: len(values) for name, values in columns.items()}
        rows = next(iter(lengths.values()), 0)
        for name, length in lengths.items():
            if length != rows:
                raise ValueError(f"column {name} of {table} has {length} values where others have {rows}")
        if rows > _BLOCK_ROWS:
            raise ValueError(
                f"{rows} rows for {table} in one insert: at most {_BLOCK_ROWS} fit in one block, insert in parts"
            )
        if not rows:
            return 0
        once: dict[str, Any] = {**EXACTLY_ONCE, "insert_deduplication_token": token} if token else dict(UNREPEATED)
        options = {**once, **(settings or {}), "insert_block_size": rows}
        names = ", ".join(_identifier(name) for name in columns)
        target = ".".join(_identifier(part) for part in table.split("."))
        with self._pool.connection() as client:
            client.execute(
                f"INSERT INTO {target} ({names}) VALUES", list(columns.values()), columnar=True, settings=options
            )
        return rows

    def relay(
        self,
        table: str,
        columns: Sequence[str],
        make: Callable[[list[tuple[str, str]]], Iterable[bytes]],
        *,
        token: str,
        settings: Settings,
    ) -> None:
        """Insert Native blocks that another engine has made, as they are.

        `make` is given name and type of the columns as this ClickHouse wants them, and returns the blocks. Several
        become one block, if the settings say so.
        """
        options = {**SELECT_EXACTLY_ONCE, "insert_deduplication_token": token, **settings}
        sql = f"INSERT INTO {_identifier(table)} ({', '.join(map(_identifier, columns))}) VALUES"
        with self._pool.connection() as client, client.disconnect_on_error(sql, options):
            line = client.connection
            line.send_query(sql)
            line.send_external_tables(None)
            for block in make(client.receive_sample_block().columns_with_types):
                line.fout.write(_DATA)
                line.fout.write(block)
            line.fout.write(_DATA + b"\x00\x00")
            line.fout.flush()
            client.receive_end_of_insert_query()

    def command(
        self, sql: str, params: Mapping[str, Any] | None = None, *, token: str = "", settings: Settings | None = None
    ) -> None:
        """Run DDL, ALTER, SYSTEM or INSERT … SELECT to its end; with a token, an INSERT … SELECT that may be
        repeated.
        """
        once: dict[str, Any] = {**SELECT_EXACTLY_ONCE, "insert_deduplication_token": token} if token else {}
        with self._pool.connection() as client:
            client.execute(sql, params or None, settings={**once, **(settings or {})})

    def execute(
        self,
        query: str,
        params: Any = None,
        *,
        settings: Mapping[str, Any] | None = None,
        types_check: bool = False,
        columnar: bool = False,
    ) -> Any:
        """Do what clickhouse-driver's `Client.execute` does, with our errors. The settings are the caller's alone."""
        with self._pool.connection() as client:
            return client.execute(query, params, settings=settings, types_check=types_check, columnar=columnar)

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, *, settings: Settings | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._pool.connection() as client:
            answer: list[tuple[Any, ...]] = client.execute(sql, params or None, settings=dict(settings or {}))
        return answer


class Store:
    """A ClickHouse to work with. Safe to share between threads; a forked process opens connections of its own."""

    def __init__(self, address: Address, *, max_seconds: float, max_memory: int, timeout: float, size: int) -> None:
        self.address = address
        self._pool = _Pool(address, timeout=timeout, size=size)
        self.reader = Reader(self._pool, max_seconds=max_seconds, max_memory=max_memory)
        self.writer = Writer(self._pool)

    def wait(self, *, patience: float) -> None:
        """Return when it answers; raise StoreUnavailable if it does not within so many seconds."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self.writer.rows("SELECT 1")
            except StoreUnavailable:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        """Close the idle connections; the store can be used again."""
        self._pool.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    settings: StoreSettings,
    *,
    max_seconds: float = 30.0,
    max_memory: int = 1_000_000_000,
    timeout: float = 300.0,
    size: int = 16,
) -> Store:
    """Return the store of these settings. Nothing is opened before it is used."""
    return Store(parse_url(settings.url), max_seconds=max_seconds, max_memory=max_memory, timeout=timeout, size=size)


def _identifier(name: str) -> str:
    return "`{}`".format(name.replace("\\", "\\\\").replace("`", "\\`"))
