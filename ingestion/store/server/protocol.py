"""The server's side of the native protocol without a socket: bytes in, packets out, in whatever pieces the bytes come.

A block of an insert is not collected: it leaves as pieces while it arrives, so that a large one costs no memory here.
After a ProtocolError nothing more can be read from this peer. Knows no engine and no clock.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

from ingestion.store.server import frames, packets
from ingestion.store.server.columns import shape_of
from ingestion.store.server.packets import (
    BlockEnd,
    BlockStart,
    Bytes,
    Cancel,
    Hello,
    InsertEnd,
    Option,
    Ping,
    Query,
    TablesStatus,
)
from ingestion.store.server.wire import Inbox, ProtocolError, Reading

__all__ = ["Event", "ServerProtocol"]

Event = Hello | Query | Ping | Cancel | TablesStatus | BlockStart | Bytes | BlockEnd | InsertEnd

T = TypeVar("T")

_NAME_MAX = 64 * 1024
_VALUE_MAX = 16 * 1024 * 1024
_SQL_MAX = 256 * 1024 * 1024
_COLUMNS_MAX = 10_000
_ROWS_MAX = 2**40
_EXTERNAL_MAX = 64
_TABLES_MAX = 10_000

_TCP, _HTTP = 1, 2
_HELLO, _QUERY, _DATA, _CANCEL, _PING, _TABLES_STATUS = range(6)
_SCALAR = 7


class ServerProtocol:
    """Feed it with `receive`; it returns the packets that are whole.

    `is_numeric` tells of a setting's name whether its value is a number: only clients older than 54429 need it, they
    send numbers as var-ints and do not say so.
    """

    def __init__(self, is_numeric: Callable[[str], bool] = lambda _name: True) -> None:
        self.revision = packets.REVISION
        self._is_numeric = is_numeric
        self._inbox = Inbox()
        self._blocks = self._inbox  # where blocks are read: behind the frames, if the query said that it compresses
        self._events: list[Event] = []
        self._inserting = False
        self._in_block = False
        self._skipping = False
        self._paused = False
        self._failed = False
        self._reader = self._read()
        next(self._reader)

    def receive(self, data: bytes) -> list[Event]:
        """Take arrived bytes; return what they complete. Raise ProtocolError, after which the connection must be
        closed.
        """
        if self._failed:
            raise ProtocolError("bytes after a protocol error")
        self._inbox.add(data)
        try:
            next(self._reader)
        except ProtocolError:
            self._failed = True
            raise
        if self._in_block:
            self._pass_on()
        events = self._events[:]
        self._events.clear()
        return events

    def expect_insert(self) -> None:
        """The Query was answered with a header: the Data packets that follow are its blocks."""
        self._inserting, self._skipping, self._paused = True, False, False

    def skip_insert(self) -> None:
        """The insert has failed: what the client still sends of it is walked over and forgotten."""
        self._inserting, self._skipping, self._paused, self._in_block = False, True, False, False
        self._blocks.tapped(last=True)

    def answered(self) -> None:
        """The Query was answered to its end. Until then nothing beyond it is read: what follows depends on the
        answer.
        """
        self._inserting, self._skipping, self._paused = False, False, False

    def _read(self) -> Reading:
        yield
        greeting = yield from self._hello()
        self._events.append(greeting)
        while True:
            yield from self._packet()

    def _hello(self) -> Generator[None, None, Hello]:
        kind = yield from self._inbox.varint()
        if kind != _HELLO:
            raise ProtocolError(f"packet {kind} before Hello: this port speaks ClickHouse's native protocol")
        client = yield from self._inbox.text(_NAME_MAX)
        yield from self._inbox.varint()
        yield from self._inbox.varint()
        revision = yield from self._inbox.varint()
        if revision < packets.OLDEST_CLIENT:
            raise ProtocolError(f"client revision {revision} is too old; at least {packets.OLDEST_CLIENT} is needed")
        self.revision = min(packets.REVISION, revision)
        database = yield from self._inbox.text(_NAME_MAX)
        user = yield from self._inbox.text(_NAME_MAX)
        password = yield from self._inbox.text(_NAME_MAX)
        return Hello(client=client, revision=revision, database=database, user=user, password=password)

    def _packet(self) -> Reading:
        kind = yield from self._inbox.varint()
        if kind != _DATA:
            self._skipping = False
        if kind == _PING:
            self._events.append(Ping())
        elif kind == _CANCEL:
            self._events.append(Cancel())
        elif kind == _QUERY:
            if self._inserting:
                raise ProtocolError("a query in the middle of an insert")
            query = yield from self._query()
            self._events.append(query)
            self._paused = True
            while self._paused:
                yield
        elif kind == _DATA:
            yield from self._insert_block()
        elif kind == _TABLES_STATUS:
            status = yield from self._tables_status()
            self._events.append(status)
        else:
            raise ProtocolError(f"packet {kind} from the client is not served")

    def _tables_status(self) -> Generator[None, None, TablesStatus]:
        tables = []
        for _ in range((yield from self._inbox.varint(_TABLES_MAX))):
            database = yield from self._inbox.text(_NAME_MAX)
            tables.append((database, (yield from self._inbox.text(_NAME_MAX))))
        return TablesStatus(tables=tuple(tables))

    def _query(self) -> Generator[None, None, Query]:
        inbox = self._inbox
        identity = yield from inbox.text(_NAME_MAX)
        yield from self._client_info()
        options = yield from self._options()
        if self.revision >= packets.SECRET_SINCE:
            yield from inbox.text(_NAME_MAX)
        stage = yield from inbox.varint()
        compressed = bool((yield from inbox.varint()))
        sql = yield from inbox.text(_SQL_MAX)
        self._blocks = Inbox() if compressed else inbox
        external = yield from self._external_tables()
        return Query(id=identity, sql=sql, options=options, stage=stage, compressed=compressed, external=external)

    def _client_info(self) -> Reading:
        inbox = self._inbox
        if not (yield from inbox.byte()):
            return
        for _ in range(3):  # initial user, initial query id, initial address
            yield from inbox.text(_NAME_MAX)
        interface = yield from inbox.byte()
        if interface == _TCP:
            for _ in range(3):  # operating system's user, host, client's name
                yield from inbox.text(_NAME_MAX)
            for _ in range(3):  # client's version and revision
                yield from inbox.varint()
        elif interface == _HTTP:
            yield from inbox.skip(1)  # method
            for since in (0, packets.FORWARDED_SINCE, packets.REFERER_SINCE):  # user agent, forwarded for, referer
                if self.revision >= since:
                    yield from inbox.text(_NAME_MAX)
        yield from inbox.text(_NAME_MAX)  # quota key
        if interface == _TCP:
            yield from inbox.varint()  # client's patch
        if self.revision >= packets.TRACING_SINCE and (yield from inbox.byte()):
            yield from inbox.skip(24)
            yield from inbox.text(_NAME_MAX)
            yield from inbox.skip(1)

    def _options(self) -> Generator[None, None, tuple[Option, ...]]:
        inbox = self._inbox
        options = []
        while name := (yield from inbox.text(_NAME_MAX)):
            if self.revision >= packets.SETTINGS_AS_TEXT_SINCE:
                flags = yield from inbox.varint()
                value = yield from inbox.text(_VALUE_MAX)
                options.append(Option(name=name, value=value, important=bool(flags & 1)))
            elif self._is_numeric(name):
                options.append(Option(name=name, value=str((yield from inbox.varint()))))
            else:
                options.append(Option(name=name, value=(yield from inbox.text(_VALUE_MAX))))
        return tuple(options)

    def _external_tables(self) -> Generator[None, None, tuple[str, ...]]:
        names: list[str] = []
        while True:
            kind = yield from self._inbox.varint()
            if kind not in {_DATA, _SCALAR}:
                raise ProtocolError(f"packet {kind} where the block that ends a query was expected")
            name = yield from self._inbox.text(_NAME_MAX)
            columns, rows = yield from self._unframed(self._block_size())
            if not columns and kind == _DATA:
                return tuple(names)
            if len(names) == _EXTERNAL_MAX:
                raise ProtocolError(f"more than {_EXTERNAL_MAX} external tables")
            if kind == _DATA:  # a scalar is for __getScalar() alone, which the engine then says that it misses
                names.append(name)
            yield from self._unframed(self._columns(columns, rows))

    def _unframed(self, reading: Generator[None, None, T]) -> Generator[None, None, T]:
        """Run a reader of blocks, and unpack frames for it when they are compressed."""
        if self._blocks is self._inbox:
            return (yield from reading)
        while True:
            try:
                next(reading)
            except StopIteration as done:
                result: T = done.value
                return result
            header = yield from self._inbox.take(frames.HEADER_SIZE)
            body = yield from self._inbox.take(frames.size_of(header))
            self._blocks.add(frames.content_of(header, body))

    def _block_size(self) -> Generator[None, None, tuple[int, int]]:
        while field := (yield from self._blocks.varint()):
            if field > 2:
                raise ProtocolError(f"field {field} in a block's info")
            yield from self._blocks.skip(1 if field == 1 else 4)
        self._blocks.tap()
        columns = yield from self._blocks.varint(_COLUMNS_MAX)
        rows = yield from self._blocks.varint(_ROWS_MAX)
        if not self._inserting:
            self._blocks.tapped(last=True)
        return columns, rows

    def _columns(self, columns: int, rows: int) -> Reading:
        inbox = self._blocks
        for _ in range(columns):
            yield from inbox.text(_NAME_MAX)
            shape = shape_of((yield from inbox.text(_NAME_MAX)))
            if rows:
                yield from shape.prefix(inbox)
                yield from shape.values(inbox, rows)

    def _insert_block(self) -> Reading:
        if not (self._inserting or self._skipping):
            raise ProtocolError("a block of data, but no insert was asked for")
        yield from self._inbox.text(_NAME_MAX)
        columns, rows = yield from self._unframed(self._block_size())
        if not columns:
            self._blocks.tapped(last=True)
            if self._inserting:
                self._inserting = False
                self._events.append(InsertEnd())
            self._skipping = False
            return
        if self._inserting:
            self._in_block = True
            self._events.append(BlockStart(rows=rows))
        yield from self._unframed(self._columns(columns, rows))
        if self._in_block:
            self._in_block = False
            self._pass_on(last=True)
            self._events.append(BlockEnd())

    def _pass_on(self, *, last: bool = False) -> None:
        self._events.extend(Bytes(piece=piece) for piece in self._blocks.tapped(last=last))
