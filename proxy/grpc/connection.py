"""One HTTP/2 connection of a gRPC client: streams, flow control both ways, and the connection's life.

h2 knows the protocol and does no input or output; this class feeds it and sends what it wants sent. What a call means
is for calls.py to say.

Memory is bounded in three ways: a call that is not let in (its key is looked up) gets one window; the calls of a
connection together get _HELD bytes, and beyond that only the oldest gets more, so that it comes to its end; and a
client that does not read is not read from.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from proxy.errors import Refusal
from proxy.grpc.calls import Export, HealthCheck
from proxy.grpc.frames import framed
from proxy.grpc.head import ACCEPTED_ENCODINGS, HEALTH, Headers, not_grpc, read_call_head
from proxy.grpc.http2 import CONNECTION_WINDOW, STREAM_WINDOW, FrameLengths, Http2, goaway
from proxy.grpc.other_protocols import PREFACE, not_http2_answer
from proxy.grpc.status import OK_TRAILERS, trailers
from proxy.services import Services

if TYPE_CHECKING:
    from proxy.grpc.calls import Call

__all__ = ["GrpcConnection"]

logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it writes decoded headers: keys
_OPENING_SECONDS = 30.0
_LINGER_SECONDS = 5.0
_HIGH_WATER = 256 * 1024
_HELD = 32 * 1024 * 1024
# A client may give up calls; one that does nothing else keeps us busy for nothing (CVE-2023-44487).
_RESETS_BEYOND_ANSWERS = 200
_ANSWER_HEAD = [
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", ACCEPTED_ENCODINGS),
]


class _Stream:
    """A call's place in the connection."""

    __slots__ = ("_connection", "call", "due", "ended", "held", "id")

    def __init__(self, connection: "GrpcConnection", id: int) -> None:  # noqa: A002 - its name in HTTP/2
        self._connection = connection
        self.id = id
        self.call: Call | None = None
        self.due = 0  # bytes of its window that were used and not given back
        self.held = 0
        self.ended = False

    def succeed(self, message: bytes) -> None:
        self._connection.answer(self, _ANSWER_HEAD, framed(message))

    def fail(self, refusal: Refusal) -> None:
        self._connection.answer(self, [*_ANSWER_HEAD, *trailers(refusal)])

    def may_go_on(self) -> None:
        self._connection.flush_soon()


class GrpcConnection(asyncio.Protocol):
    """One client."""

    transport: asyncio.Transport

    def __init__(self, services: Services, *, otlp_http: str) -> None:
        self._services = services
        self._otlp_http = otlp_http
        self._opening: bytes | None = b""  # what came of the preface
        self._h2 = Http2(header_bytes=services.settings.header_bytes)
        self._lengths = FrameLengths(header_bytes=services.settings.header_bytes)
        self._streams: dict[int, _Stream] = {}  # in the order they came
        self._unsent: dict[int, bytes] = {}  # messages for which the client has no window open
        self._newest = 0
        self._due = 0  # bytes of the connection's window that were used and not given back
        self._held = 0
        self._answers = self._resets = 0
        self._flushing = False
        self._going = False
        self._linger_until = 0.0
        self._since = time.monotonic()

    # --- the transport's events ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport  # type: ignore[assignment]
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._services.connections.add(self)
        self._services.metrics.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        """A whole message that is being written goes its way; half a one is nobody's record."""
        self._services.left(self)
        self._services.metrics.connections -= 1
        self._streams.clear()
        self._unsent.clear()

    def pause_writing(self) -> None:
        """The client does not read: neither do we."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Read and answer."""
        if self._linger_until:
            return
        self._since = time.monotonic()
        if self._opening is not None:
            data = self._opening = self._opening + data
            if not PREFACE.startswith(data[: len(PREFACE)]):
                self._services.metrics.requests["unreadable", 400] += 1
                self.transport.write(not_http2_answer(self._otlp_http))
                self._linger()
                return
            if len(data) < len(PREFACE):
                return
            self._opening = None
            self._h2.begin()
            self._h2.receive_data(PREFACE)
            data = data[len(PREFACE) :]
        self._flush()  # what h2 has to send is lost when it reads a GOAWAY
        broken = self._lengths.broken(data)
        if broken is not None:
            self._services.metrics.requests["unreadable", 400] += 1
            self._go_away(broken)
            self._linger()
            return
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._services.metrics.requests["unreadable", 400] += 1
            self._flush()  # h2 has said why in a GOAWAY
            self._linger()
            return
        for event in events:
            self._handle(event)
        self._after()

    # --- HTTP/2's events ---

    def _handle(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self._data(event)
        elif isinstance(event, RequestReceived):
            self._request(event)
        elif isinstance(event, StreamEnded):
            stream = self._streams.get(event.stream_id)
            if stream is not None and stream.call is not None:
                stream.ended = True
                stream.call.ended()
        elif isinstance(event, StreamReset):
            self._unsent.pop(event.stream_id, None)
            stream = self._streams.pop(event.stream_id, None)
            if stream is not None:
                self._held -= stream.held
            if event.remote_reset:
                self._resets += 1
        elif isinstance(event, ConnectionTerminated):
            self._going = True

    def _request(self, event: RequestReceived) -> None:
        if self._going:
            self._reset(event.stream_id, ErrorCodes.REFUSED_STREAM)  # its client may send it elsewhere
            return
        self._newest = event.stream_id
        services = self._services
        headers = [(bytes(name), bytes(value)) for name, value in event.headers]
        stream = self._streams[event.stream_id] = _Stream(self, event.stream_id)
        stream.ended = event.stream_ended is not None
        refusal = not_grpc(headers)
        if refusal is not None:
            services.metrics.requests["none", refusal.status] += 1
            self.answer(stream, [(b":status", b"%d" % refusal.status), _ANSWER_HEAD[1], *trailers(refusal)])
            return
        head = read_call_head(headers)
        if isinstance(head, Refusal):
            services.metrics.requests["none", head.status] += 1
            stream.fail(head)
        elif head.service == HEALTH:
            stream.call = HealthCheck(services=services, stream=stream)
        else:
            stream.call = export = Export(services=services, stream=stream, head=head)
            export.begin()

    def _data(self, event: DataReceived) -> None:
        self._due += event.flow_controlled_length
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.call is None:
            return
        stream.due += event.flow_controlled_length
        stream.held += len(event.data)
        self._held += len(event.data)
        stream.call.data(event.data)

    # --- flow control ---

    def _give_windows(self) -> None:
        """Let come what may come: of the connection at once, of a stream by what is held."""
        try:
            if self._due >= CONNECTION_WINDOW // 2:
                due, self._due = self._due, 0
                self._h2.increment_flow_control_window(due)
            oldest = True
            for stream in self._streams.values():
                if stream.ended or stream.call is None or not stream.call.admitted:
                    continue
                may, oldest = oldest or self._held < _HELD, False
                if may and stream.due >= STREAM_WINDOW // 2:
                    due, stream.due = stream.due, 0
                    self._h2.increment_flow_control_window(due, stream.id)
        except (ProtocolError, KeyError):
            return  # closed meanwhile

    # --- answers ---

    def answer(self, stream: _Stream, head: Headers, message: bytes = b"") -> None:
        """Answer a call: its head and message, then grpc-status 0; without a message the head is all."""
        if self._streams.get(stream.id) is not stream:
            return  # the client has gone, or taken the call back
        del self._streams[stream.id]
        self._held -= stream.held
        self._answers += 1
        try:
            self._h2.send_headers(stream.id, head, end_stream=not message)
            if message:
                self._unsent[stream.id] = message
            elif not stream.ended:
                self._h2.reset_stream(stream.id, ErrorCodes.NO_ERROR)  # the rest of its body need not come
        except ProtocolError:
            pass  # it was taken back by what came with it
        self.flush_soon()

    def _send_messages(self) -> None:
        for stream_id, message in list(self._unsent.items()):
            try:
                if self._h2.local_flow_control_window(stream_id) < len(message):
                    continue
                self._h2.send_data(stream_id, message)
                self._h2.send_headers(stream_id, OK_TRAILERS, end_stream=True)
            except ProtocolError:
                pass  # as above
            del self._unsent[stream_id]

    def _reset(self, stream_id: int, code: ErrorCodes) -> None:
        try:
            self._h2.reset_stream(stream_id, code)
        except ProtocolError:
            pass

    def flush_soon(self) -> None:
        """Send once for all calls that one commit has ended."""
        if not self._flushing:
            self._flushing = True
            self._services.loop.call_soon(self._after)

    def _after(self) -> None:
        """Send what is to be sent, and end when all is done."""
        self._flushing = False
        if self._linger_until or self.transport.is_closing():
            return
        self._give_windows()
        self._send_messages()
        self._flush()
        if self._resets > self._answers + _RESETS_BEYOND_ANSWERS:
            self._go_away(ErrorCodes.ENHANCE_YOUR_CALM)
            self._linger()
        elif self._going and not self.busy:
            self._linger()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    # --- the end ---

    def _go_away(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Say which calls will still be answered."""
        self._going = True
        self._flush()
        if self._opening is None and not self.transport.is_closing():
            self.transport.write(goaway(newest=self._newest, code=code))

    def _linger(self) -> None:
        """Let the client read the answer: closing while it still sends would reset the connection under it."""
        self._linger_until = time.monotonic() + _LINGER_SECONDS
        self._streams.clear()
        self._unsent.clear()
        if not self.transport.is_closing():
            self.transport.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def sweep(self, now: int) -> None:
        """Close what takes too long; called about once a second."""
        seconds = now / 1e9
        if self._linger_until:
            if seconds > self._linger_until:
                self.transport.abort()
            return
        for stream in list(self._streams.values()):
            if stream.call is not None:
                stream.call.overdue(now)
        idle = seconds - self._since
        if self._opening is not None:
            if idle > _OPENING_SECONDS:
                self.transport.abort()
        elif idle > self._services.settings.idle_timeout and not self._streams:
            self.drain()
            self._linger()

    @property
    def busy(self) -> bool:
        """Say whether a call is being answered."""
        return bool(self._streams or self._unsent)

    def drain(self) -> None:
        """Take no new calls; end when those under way are answered."""
        if not self._going:
            self._go_away()

    def shut_down(self) -> None:
        """Stop now."""
        if self._linger_until:
            self.transport.abort()
            return
        self.drain()
        for stream in list(self._streams.values()):
            if stream.call is not None:
                stream.call.shut_down()
        self._send_messages()
        self._flush()
        if not self.busy:
            self.transport.close()

    def abort(self) -> None:
        """End at once."""
        self._after()  # a commit may have ended calls just now
        self.transport.abort()
