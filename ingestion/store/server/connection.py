"""One client: its socket, its protocol, its engine sessions, in one thread. Blocking on purpose: a slow client stops
its own query and nothing else, and no answer is ever collected in memory.
"""

import contextlib
import hmac
import logging
import re
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from ingestion.store.server import blocks, packets
from ingestion.store.server.engine import Engine, EngineError, EngineSession
from ingestion.store.server.frames import framed
from ingestion.store.server.inserting import Insertion, Refused
from ingestion.store.server.options import BadOption, identifier, readonly_of, wanted
from ingestion.store.server.packets import BlockEnd, BlockStart, Bytes, Hello, InsertEnd, Ping, Query, TablesStatus
from ingestion.store.server.protocol import Event, ServerProtocol
from ingestion.store.server.statements import insert_of, native_format, surely, without_end
from ingestion.store.server.watcher import Watcher
from ingestion.store.server.wire import ProtocolError

__all__ = ["Connection", "Service"]

log = logging.getLogger("spanmeter.store")

_RECEIVE = 256 * 1024
_HELLO_SECONDS = 10.0
_COMPLETE = 2
_NUMERIC = re.compile(r"Int\d+|Bool|Seconds|MaxThreads", re.IGNORECASE)
_AUTHENTICATION_FAILED, _NOT_IMPLEMENTED, _READONLY = 516, 48, 164


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections share."""

    engine: Engine
    watcher: Watcher
    user: str
    password: str


class Connection:
    """Serves one client until it leaves, errs, or is told to stop."""

    def __init__(self, sock: socket.socket, service: Service) -> None:
        self._socket = sock
        self._service = service
        self._engine = service.engine
        self._protocol = ServerProtocol(self._is_numeric)
        self._database = ""
        self._sessions: dict[bool, EngineSession] = {}
        self._insertion: Insertion | None = None
        self._compressed = False
        self._cancelled = False
        self._stopping = False
        self._state = threading.Condition()
        self._working = ""  # "", "read" or "write": what the engine does for this client
        self._running: EngineSession | None = None

    def serve(self) -> None:
        """Run until the connection is over; owns the socket and closes it."""
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket.settimeout(_HELLO_SECONDS)
            while data := self._receive():
                for event in self._arrived(data):
                    if not self._answer(event):
                        return
        except ProtocolError as error:
            self._send_last(packets.exception(error.code, f"DB::Exception: {error}"))
        except OSError:
            log.debug("client went away")
        finally:
            self._abandon_insertion()
            for session in self._sessions.values():
                session.close()
            self._socket.close()

    def stop(self, *, patience: float) -> None:
        """Let a statement that writes finish, interrupt one that reads, and end the connection."""
        with self._state:
            self._stopping = True
            if self._working == "read" and self._running:
                self._engine.interrupt(self._running.mark)
            self._state.wait_for(lambda: self._working != "write", timeout=patience)
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._socket.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> bytes:
        return b"" if self._stopping else self._socket.recv(_RECEIVE)

    def _arrived(self, data: bytes) -> Iterator[Event]:
        """Yield the packets in what arrived; the answer to one may make the next readable."""
        while events := self._protocol.receive(data):
            yield from events
            data = b""

    def _answer(self, event: Event) -> bool:
        """Answer one packet; return whether the connection goes on."""
        match event:
            case Hello():
                return self._welcome(event)
            case Ping():
                self._socket.sendall(packets.PONG)
            case Query():
                self._query(event)
            case TablesStatus(tables=tables):
                self._socket.sendall(packets.tables_status(tuple(table for table in tables if self._exists(*table))))
            case _ if self._insertion:
                self._insert(self._insertion, event)
        return True

    def _welcome(self, hello: Hello) -> bool:
        # Both are compared whatever the first says, so that time tells nothing about either.
        right = hmac.compare_digest(hello.user.encode("utf-8", "replace"), self._service.user.encode())
        right &= hmac.compare_digest(hello.password.encode("utf-8", "replace"), self._service.password.encode())
        if not right:
            why = "Authentication failed: password is incorrect, or there is no user with such name."
            self._send_last(packets.exception(_AUTHENTICATION_FAILED, f"DB::Exception: {hello.user[:80]}: {why}"))
            return False
        self._database = hello.database or "default"
        self._socket.settimeout(None)
        major, minor, patch = (int(part) for part in self._engine.version.split(".")[:3])
        welcome = packets.hello(
            version=(major, minor, patch), timezone=self._engine.timezone, revision=packets.REVISION
        )
        self._socket.sendall(welcome)
        return True

    def _query(self, query: Query) -> None:
        self._cancelled = False
        try:
            self._execute(query)
        except (EngineError, Refused, BadOption) as error:
            self._protocol.answered()
            if self._cancelled:
                self._socket.sendall(packets.END_OF_STREAM)
            else:
                self._send_error(error)

    def _execute(self, query: Query) -> None:
        self._compressed = query.compressed
        if query.external:
            raise Refused(_NOT_IMPLEMENTED, f"external table {query.external[0]!r}: external tables are not served")
        if query.stage != _COMPLETE:
            raise Refused(_NOT_IMPLEMENTED, f"query stage {query.stage}: only complete queries (stage 2) are served")
        settings = wanted(query.options, self._engine.settings)
        session = self._session(readonly=readonly_of(settings))
        session.apply(settings)
        insert = insert_of(query.sql)
        reads = not insert and self._only_reads(session, query.sql)
        if session.readonly and not reads:
            raise Refused(_READONLY, "Cannot execute query in readonly mode: it does not only read")
        if insert:
            self._insertion = Insertion(session, insert, directory=self._engine.directory)
            self._protocol.expect_insert()
            self._send_header(self._insertion.columns)
            return
        with self._at_work("read" if reads else "write", session):
            if reads:
                self._select(session, native_format(query.sql))
            else:
                self._send_blocks(blocks.split(session.run(query.sql)))
            self._protocol.answered()
            self._socket.sendall(packets.END_OF_STREAM)

    def _only_reads(self, session: EngineSession, sql: str) -> bool:
        # The engine is asked only where the first word leaves a doubt: to parse a long statement takes it 30 ms.
        known = surely(sql)
        return known == "reads" if known else session.only_reads(sql)

    def _session(self, *, readonly: bool) -> EngineSession:
        session = self._sessions.get(readonly)
        if session is None:
            session = self._engine.session(readonly=readonly)
            self._sessions[readonly] = session
            if self._database != "default":
                session.use(self._database)
        return session

    def _exists(self, database: str, table: str) -> bool:
        name = f"{identifier(database)}.{identifier(table)}" if database else identifier(table)
        return bool(self._session(readonly=True).rows(f"EXISTS TABLE {name}")[0][0])

    def _select(self, session: EngineSession, sql: str) -> None:
        stream = session.stream(sql)
        sent = self._send_blocks(blocks.split(session.run(sql)) if stream is None else stream)
        if sent or self._cancelled:
            return
        # An empty answer streams no block, but a client wants to know its columns.
        try:
            described = session.rows(f"DESCRIBE TABLE ({without_end(sql)}\n)")
        except EngineError:
            return  # SHOW and the like cannot stand in brackets; the answer has no columns
        self._send_header([(str(row[0]), str(row[1])) for row in described])

    def _send_header(self, columns: list[tuple[str, str]]) -> None:
        """Clients take names and types from a block without rows, which comes first."""
        self._send_block(packets.header_block(columns))

    def _send_block(self, block: bytes) -> None:
        if self._compressed:
            self._socket.sendall(packets.DATA)
            for frame in framed(packets.BLOCK_INFO + block):
                self._socket.sendall(frame)
        elif len(block) < _RECEIVE:
            self._socket.sendall(packets.DATA + packets.BLOCK_INFO + block)
        else:
            self._socket.sendall(packets.DATA + packets.BLOCK_INFO)
            self._socket.sendall(block)

    def _send_blocks(self, answer: Generator[bytes, None, None]) -> int:
        """Send each as a Data packet, at the pace at which the client takes them; return how many there were."""
        count = 0
        with contextlib.closing(answer):  # an answer that is not read to its end is cancelled
            for block in answer:
                if self._cancelled:
                    break
                if not count:
                    self._send_header(blocks.columns_of(block))
                self._send_block(block)
                count += 1
        return count

    def _insert(self, insertion: Insertion, event: Event) -> None:
        try:
            match event:
                case BlockStart(rows=rows):
                    insertion.start_block(rows)
                case Bytes(piece=piece):
                    insertion.feed(piece)
                case BlockEnd():
                    insertion.end_block()
                case InsertEnd():
                    self._insertion = None
                    self._finish(insertion)
        except (EngineError, Refused) as error:
            if self._insertion:  # said at once: a client that looks stops sending; what others still send is skipped
                self._protocol.skip_insert()
            else:
                self._protocol.answered()
            self._abandon_insertion()
            self._send_error(error)

    def _finish(self, insertion: Insertion) -> None:
        with self._at_work("write", insertion.session):
            insertion.finish()
            self._protocol.answered()
            written = packets.progress(revision=self._protocol.revision, written_rows=insertion.rows)
            self._socket.sendall(written + packets.END_OF_STREAM)

    def _abandon_insertion(self) -> None:
        insertion, self._insertion = self._insertion, None
        if insertion:
            insertion.cancel()

    def _noticed(self, cancel: bool) -> None:
        """Called by the watcher, in its thread, while a statement of ours runs: its client cancels it, or is gone."""
        if cancel or self._working == "read":
            self._cancelled = True
            if self._running:
                self._engine.interrupt(self._running.mark)

    @contextlib.contextmanager
    def _at_work(self, kind: str, session: EngineSession) -> Iterator[None]:
        self._set_working(kind, session)
        try:
            with self._service.watcher.watch(self._socket, self._noticed):
                yield
        finally:
            self._set_working("")

    def _set_working(self, kind: str, session: EngineSession | None = None) -> None:
        with self._state:
            self._working, self._running = kind, session
            self._state.notify_all()

    def _is_numeric(self, name: str) -> bool:
        return bool(_NUMERIC.search(self._engine.settings.get(name, "")))

    def _send_error(self, error: EngineError | Refused | BadOption) -> None:
        message = error.message if isinstance(error, EngineError) else f"DB::Exception: {error}"
        self._socket.sendall(packets.exception(error.code, message))

    def _send_last(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # it may be gone before it is told what was wrong
            self._socket.sendall(packet)
            self._socket.shutdown(socket.SHUT_WR)
