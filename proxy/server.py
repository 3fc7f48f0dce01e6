"""The client's side: parsing requests, one at a time to be answered, and the connection's life.

Knows HTTP/1.x requests; what to do with one is decided in doors.py. Requests that a client sends ahead (pipelining)
wait, unread beyond what came with the same read, until those before them are answered.
"""

import asyncio
import os
import socket
import struct
import time
from collections import deque
from typing import Protocol

import httptools

from ingestion.envelope import address_field
from proxy.doors import admit, dispatch, refusal_answer
from proxy.errors import Refusal
from proxy.prepared import Prepared
from proxy.repeated import RepeatedHead, learn
from proxy.services import Services

__all__ = ["ClientConnection", "Handler", "Incoming"]

RawHeaders = list[tuple[bytes, bytes]]
_HEAD_SECONDS = 30.0
_IDLE_SECONDS = 75.0
_LINGER_SECONDS = 5.0
_HIGH_WATER = 256 * 1024


class Handler(Protocol):
    """Whoever answers a request."""

    def received(self, incoming: "Incoming") -> None:
        """Pieces of the body came, or its end; also called once right after the head."""

    def client_lost(self, detail: str) -> None:
        """The client hung up."""

    def client_writable(self, writable: bool) -> None:
        """The client has stopped taking the answer, or takes it again."""

    def overdue(self, now: int) -> None:
        """About a second has passed; `now` in ns of the monotonic clock."""

    def shut_down(self) -> None:
        """The gateway stops now."""


class Incoming:
    """A request as far as it has been read."""

    __slots__ = (
        "complete",
        "handler",
        "head_complete",
        "headers",
        "keep_alive",
        "length",
        "method",
        "pieces",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.target = b""
        self.headers: RawHeaders = []  # but for content-length, which alone differs between a client's requests
        self.length: bytes | None = None
        self.pieces: list[bytes] = []
        self.head_complete = False
        self.complete = False
        self.handler: Handler | None = None
        self.method = b""
        self.version = "1.1"
        self.keep_alive = True


class _BodyOnly:
    """A parser's events, but for those of a head."""

    def __init__(self, client: "ClientConnection") -> None:
        self.on_body = client.on_body
        self.on_message_complete = client.on_message_complete


class ClientConnection(asyncio.Protocol):
    """One client."""

    transport: asyncio.Transport

    def __init__(self, services: Services) -> None:
        self.services = services
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Incoming] = deque()  # unanswered, in order; the first is being answered
        self._newest: Incoming | None = None
        self._fed = 0  # bytes of a head that is not complete
        self._holds: set[str] = set()
        self._since = time.monotonic()
        self._linger_until = 0.0
        self._advancing = False
        self._unreadable: Refusal | None = None
        self.congested = False
        self.prepared: Prepared | None = None  # the last request's head, decided
        self._repeated: RepeatedHead | None = None  # the same, as bytes to compare the next one with
        self._body_left = 0  # bytes of a body that is read without the parser
        self.asked_again: set[Incoming] = set()  # whose key stayed unknown until the keys were read once more
        self.address = b""  # as a field of the record

    # --- the transport's events ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport  # type: ignore[assignment]
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)
        peer = transport.get_extra_info("peername")
        self.address = address_field(str(peer[0]) if peer else "")
        self.services.connections.add(self)
        self.services.metrics.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever was answering."""
        self.services.left(self)
        self.services.metrics.connections -= 1
        queue, self._queue = self._queue, deque()
        if queue and queue[0].handler is not None:
            queue[0].handler.client_lost(f"the client closed the connection{f': {error}' if error else ''}")

    def data_received(self, data: bytes) -> None:
        """Read, then serve."""
        if self._linger_until or self._unreadable is not None:
            return
        between = not self._queue and not self._fed
        if between and self._repeated is not None:
            found = self._repeated.match(data)
            if found is not None:
                self._begin_repeated(data, *found)
                return
        if self._body_left:
            rest = self._read_body(data)
            if rest:
                self._parse(rest)
            self._advance()
            return
        prepared = self.prepared
        self._parse(data)
        self._advance()
        if self.prepared is not prepared:
            self._repeated = self._learn(data) if between else None

    def _learn(self, data: bytes) -> RepeatedHead | None:
        """Remember the bytes of a head that was decided about just now."""
        newest, prepared = self._newest, self.prepared
        if newest is None or prepared is None or newest.headers is not prepared.headers or not newest.keep_alive:
            return None
        return learn(
            data,
            method=prepared.method,
            target=prepared.target,
            headers=prepared.headers,
            length=newest.length,
        )

    def _begin_repeated(self, data: bytes, length: bytes, body_at: int) -> None:
        """Serve a request that begins as the last one did."""
        prepared = self.prepared
        assert prepared is not None  # noqa: S101 - what it repeats was decided about
        self._newest = incoming = Incoming()
        incoming.method, incoming.target, incoming.headers = prepared.method, prepared.target, prepared.headers
        incoming.length = length
        incoming.head_complete = True
        self._body_left = int(length)
        self._read_body(data[body_at:])
        self._queue.append(incoming)
        handler = incoming.handler = admit(self.services, self, incoming, prepared)
        handler.received(incoming)

    def _read_body(self, data: bytes) -> bytes:
        """Take what of the data is the newest request's body; return the rest."""
        incoming = self._newest
        assert incoming is not None  # noqa: S101 - its body is being read
        left = self._body_left
        piece, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        if piece:
            incoming.pieces.append(piece)
        self._body_left = left - len(piece)
        if not self._body_left:
            incoming.complete = True
        return rest

    def _parse(self, data: bytes) -> None:
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._after_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._cannot_read(error)
        newest = self._newest
        if newest is None or newest.head_complete:
            self._fed = 0
        elif self._fed > self.services.settings.header_bytes:
            self._refuse_head()

    def _after_upgrade(self, rest: bytes) -> None:
        """Go on after a request that offers another protocol: doors.py refuses WebSockets, h2c is just not taken up.

        The parser calls such a request complete after its head, so a second one that is told only the body's framing
        reads the body. It cannot read a further request, so the connection ends with this one.
        """
        self._parser = httptools.HttpRequestParser(self)
        incoming = self._newest
        if incoming is None:
            return
        framing = b""
        if any(name.lower() == b"transfer-encoding" for name, _ in incoming.headers):
            framing = b"transfer-encoding: chunked"
        elif incoming.length is not None and incoming.length.strip(b"0"):
            framing = b"content-length: " + incoming.length
        if framing:
            incoming.complete = incoming.keep_alive = False
            self._parser = httptools.HttpRequestParser(_BodyOnly(self))
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        if rest:
            self.data_received(rest)

    def _cannot_read(self, error: Exception) -> None:
        if self._unreadable is not None:
            return  # raised by ourselves to stop the parser, after noting why
        if isinstance(error, httptools.HttpParserCallbackError):
            raise error  # a defect of ours: not to be called the client's fault
        self._unreadable = Refusal(400, "bad_request", f"This is not a readable HTTP/1.1 request: {error}", close=True)

    def _refuse_head(self) -> None:
        most = self.services.settings.header_bytes
        self._unreadable = Refusal(
            431, "headers_too_large", f"The request's head is over SPANMETER_MAX_HEADER_BYTES ({most}).", close=True
        )

    def pause_writing(self) -> None:
        """The client reads slower than the answer comes."""
        self.congested = True
        if self._queue and self._queue[0].handler is not None:
            self._queue[0].handler.client_writable(False)

    def resume_writing(self) -> None:
        """It has caught up."""
        self.congested = False
        if self._queue and self._queue[0].handler is not None:
            self._queue[0].handler.client_writable(True)

    # --- the parser's events ---

    def on_message_begin(self) -> None:
        self._newest = incoming = Incoming()
        self._queue.append(incoming)
        if len(self._queue) == 1:
            self._since = time.monotonic()

    def on_url(self, piece: bytes) -> None:
        self._newest.target += piece  # type: ignore[union-attr]

    def on_header(self, name: bytes, value: bytes) -> None:
        incoming = self._newest
        if incoming.head_complete:  # type: ignore[union-attr]
            return  # trailers are not passed on
        if len(name) == 14 and name.lower() == b"content-length":
            incoming.length = value  # type: ignore[union-attr]
        else:
            incoming.headers.append((name, value))  # type: ignore[union-attr]

    def on_headers_complete(self) -> None:
        incoming, parser = self._newest, self._parser
        assert incoming is not None  # noqa: S101 - on_message_begin came before
        incoming.method = parser.get_method()
        version = parser.get_http_version()
        if version != "1.1":
            incoming.version = version
        incoming.keep_alive = parser.should_keep_alive()
        if self._fed > self.services.settings.header_bytes:
            size = len(incoming.target) + sum(len(name) + len(value) + 4 for name, value in incoming.headers)
            if size > self.services.settings.header_bytes:
                self._refuse_head()
                raise ValueError("head too large")  # stops the parser
        incoming.head_complete = True

    def on_body(self, piece: bytes) -> None:
        self._newest.pieces.append(piece)  # type: ignore[union-attr]

    def on_message_complete(self) -> None:
        self._newest.complete = True  # type: ignore[union-attr]

    # --- serving ---

    def _advance(self) -> None:
        """Serve the first request as far as it can be; the next when it is answered."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._queue:
                incoming = self._queue[0]
                if not incoming.head_complete:
                    break
                if incoming.handler is None:
                    incoming.handler = dispatch(self.services, self, incoming)
                if self._queue and self._queue[0] is incoming:
                    incoming.handler.received(incoming)
                if self._queue and self._queue[0] is incoming:
                    break
        finally:
            self._advancing = False
        if len(self._queue) > 1:
            self.hold("pipeline")
        elif self._holds:
            self.release_hold("pipeline")
        if self._unreadable is not None:
            self._answer_unreadable(self._unreadable)

    def again(self, incoming: Incoming) -> None:
        """Decide anew about a request that waited for something."""
        if self._queue and self._queue[0] is incoming:
            incoming.handler = None
            self._advance()

    def _answer_unreadable(self, refusal: Refusal) -> None:
        """Answer what could not be parsed, when it is its turn; a body that turns into nonsense ends its exchange."""
        if self._queue and self._queue[0].head_complete:
            incoming = self._queue[0]
            if incoming.complete:
                return  # a good one is being answered first
            if incoming.handler is not None:
                incoming.handler.client_lost(refusal.message)
        self._queue.clear()
        self.services.metrics.requests["unreadable", refusal.status] += 1
        self.transport.write(refusal_answer(refusal))
        self._linger()

    def write(self, parts: list[bytes]) -> None:
        """Write to the client now."""
        if len(parts) == 1:
            self.transport.write(parts[0])
        else:
            self.transport.write(b"".join(parts))

    def finish(self, incoming: Incoming, final: bytes, *, close: bool) -> None:
        """Write an answer's last piece and go on to the next request, or end."""
        if not self._queue or self._queue[0] is not incoming:
            return  # the client has gone meanwhile
        if final:
            self.transport.write(final)
        self._queue.popleft().handler = None  # each holds the other: do not leave that to the collector
        self._since = time.monotonic()
        if not close and not self.services.stopping:
            if self._queue or self._holds or self._unreadable is not None:
                self._advance()
        elif incoming.complete and not self._queue:
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Let the client read the answer: closing while it still sends would reset the connection under it."""
        self._queue.clear()
        self._linger_until = time.monotonic() + _LINGER_SECONDS
        self._holds.clear()
        if not self.transport.is_closing():
            self.transport.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def break_off(self, *, abort: bool) -> None:
        """End in mid-answer, so that the client can tell."""
        self._queue.clear()
        if abort:
            # Closed with no time to linger, a socket says reset instead of end.
            stand_in = self.transport.get_extra_info("socket")
            with socket.socket(fileno=os.dup(stand_in.fileno())) as duplicate:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """End at once."""
        self.transport.abort()

    def refusal_bytes(self, incoming: Incoming, refusal: Refusal, *, request_id: bytes = b"") -> bytes:
        """Return an error of ours as the answer to a request."""
        close = refusal.close or not incoming.keep_alive or not incoming.complete
        return refusal_answer(refusal, request_id=request_id, close=close, bodyless=incoming.method == b"HEAD")

    def hold(self, reason: str) -> None:
        """Stop reading from the client, for this reason among others."""
        if not self._holds and not self.transport.is_closing():
            self.transport.pause_reading()
        self._holds.add(reason)

    def release_hold(self, reason: str) -> None:
        """Read again, unless there is another reason not to."""
        if reason in self._holds:
            self._holds.discard(reason)
            if not self._holds and not self.transport.is_closing():
                self.transport.resume_reading()

    # --- the clock, and the end ---

    def sweep(self, now: int) -> None:
        """Close what takes too long; called about once a second."""
        seconds = now / 1e9
        if self._linger_until:
            if seconds > self._linger_until:
                self.transport.abort()
            return
        if self._queue and self._queue[0].handler is not None:
            self._queue[0].handler.overdue(now)
        elif self._queue or self._fed:
            if seconds - self._since > _HEAD_SECONDS:
                message = f"The request's head did not arrive within {_HEAD_SECONDS:g} s."
                self._unreadable = Refusal(408, "request_timeout", message, close=True)
                self._answer_unreadable(self._unreadable)
        elif seconds - self._since > _IDLE_SECONDS:
            self.transport.close()

    @property
    def busy(self) -> bool:
        """Say whether a request is being answered."""
        return bool(self._queue)

    def drain(self) -> None:
        """Leave it: the answer that is under way closes the connection."""

    def shut_down(self) -> None:
        """Stop now."""
        if self._queue and self._queue[0].handler is not None:
            self._queue[0].handler.shut_down()
        else:
            self.transport.abort()
