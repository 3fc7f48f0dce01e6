"""The provider's side: one connection, one exchange at a time, answers parsed as they come and handed on as bytes.

Knows HTTP/1.1 answers and nothing about clients, keys or records: its exchange is told what arrived and how it ended.
"""

import asyncio
import time
from typing import Any, Protocol

import httptools

from proxy.whole_answer import WholeAnswer, read_whole_answer

__all__ = ["Answered", "UpstreamConnection"]

RawHeaders = list[tuple[bytes, bytes]]
_NO_BODY = frozenset({204, 304})


class Answered(Protocol):
    """What an upstream connection tells its exchange."""

    def upstream_fed(self, now: int) -> None:
        """Bytes came: look at head, pieces and complete."""

    def upstream_answered(self, answer: WholeAnswer, now: int) -> None:
        """The whole answer came at once, instead of upstream_fed."""

    def upstream_lost(self, detail: str) -> None:
        """The connection broke, or what came is not HTTP, before the answer was complete."""

    def upstream_writable(self, writable: bool) -> None:
        """The write buffer is full, or no longer."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to one origin."""

    __slots__ = (
        "_begun",
        "_bodyless",
        "_interim",
        "_keep_alive",
        "_parser",
        "_spoilt",
        "answer_bytes",
        "chunked",
        "close_delimited",
        "complete",
        "exchange",
        "head_complete",
        "headers",
        "idle_since",
        "interims",
        "pieces",
        "reason",
        "reused",
        "status",
        "trailers",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.exchange: Answered | None = None
        self.reused = False
        self.idle_since = 0
        self._bodyless = False
        self._begun = False
        self._parser: Any = None  # made when the first answer needs one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = transport  # type: ignore[assignment]

    def begin(self, exchange: Answered, *, bodyless: bool) -> None:
        """Serve an exchange next; `bodyless`: it is a HEAD, whose answer has no body whatever its head says."""
        self.exchange = exchange
        if self._bodyless:  # after the answer to a HEAD the parser still waits for a body
            self._parser = None
        self._bodyless = bodyless
        self._begun = False  # the parser has seen bytes of the answer
        self.complete = self.head_complete = self.close_delimited = False
        self._keep_alive = False
        self._spoilt = False
        self.answer_bytes = 0

    def _begin_parsing(self) -> None:
        self._begun = True
        self.interims: list[tuple[int, bytes, RawHeaders]] = []
        self._clear()
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def _clear(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: RawHeaders = []
        self.trailers: RawHeaders = []
        self.pieces: list[bytes] = []
        self.head_complete = False
        self._interim = False
        self.close_delimited = False  # only the connection's end tells the end of the answer
        self.chunked = False

    # --- bytes ---

    def data_received(self, data: bytes) -> None:
        """Parse and tell the exchange."""
        exchange = self.exchange
        if exchange is None or self.complete:
            self.transport.abort()  # bytes that nobody asked for
            return
        now = time.monotonic_ns()
        self.answer_bytes += len(data)
        if not self._begun:
            if not self._bodyless and (answer := read_whole_answer(data)) is not None:
                self.complete = self._keep_alive = True
                exchange.upstream_answered(answer, now)
                return
            self._begin_parsing()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._spoilt = True
            if not self.complete:
                if self.pieces:  # what was good before the nonsense is passed on first
                    exchange.upstream_fed(now)
                self._lost(f"the answer is not HTTP: {error}")
                return
        exchange.upstream_fed(now)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the exchange; an answer that is delimited by the connection's end is complete."""
        exchange = self.exchange
        if exchange is None:
            return
        if self.head_complete and self.close_delimited and error is None:
            self.complete = True
            exchange.upstream_fed(time.monotonic_ns())
        else:
            seen = f"after {self.answer_bytes:,} bytes" if self.answer_bytes else "before it answered"
            why = f": {error}" if error is not None and str(error) else ""
            self._lost(f"the upstream closed the connection {seen}{why}")

    def _lost(self, detail: str) -> None:
        exchange, self.exchange = self.exchange, None
        self.transport.abort()
        if exchange is not None:
            exchange.upstream_lost(detail)

    def pause_writing(self) -> None:
        """Pass the back-pressure on."""
        if self.exchange is not None:
            self.exchange.upstream_writable(False)

    def resume_writing(self) -> None:
        """Pass the relief on."""
        if self.exchange is not None:
            self.exchange.upstream_writable(True)

    # --- the parser's events ---

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("a second answer")  # stops the parser, so that the first one stays as it is

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_complete:
            self.trailers.append((name, value))
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            return
        self.head_complete = True
        self._keep_alive = self._parser.should_keep_alive()
        if self._bodyless:
            self.complete = True
            return
        if status in _NO_BODY:
            return
        for name, _ in self.headers:
            if len(name) in {14, 17} and name.lower() in {b"content-length", b"transfer-encoding"}:
                self.chunked = len(name) == 17
                return
        self.close_delimited = True

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        if self._interim:
            self.interims.append((self.status, self.reason, self.headers))
            self._clear()
        else:
            self.complete = True

    # --- between exchanges ---

    @property
    def reusable(self) -> bool:
        """Say whether another exchange may follow on this connection."""
        return (
            self.complete
            and not self._spoilt
            and not self.close_delimited
            and self._keep_alive
            and not self.transport.is_closing()
        )

    def end(self) -> None:
        """The exchange is over."""
        self.exchange = None
