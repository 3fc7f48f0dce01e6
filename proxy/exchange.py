"""One exchange between a client and a provider: bytes through at once in both directions, and a record of them.

The order that everything here serves: the CLOSE envelope's write has returned before the last piece of the answer is
handed to the client. So every piece is passed on as it comes, but for the one with which the answer ends: that one
waits for the group commit at the end of this turn of the event loop. Whoever saw an answer to its end finds its
record.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from ingestion.envelope import Outcome
from proxy.errors import Refusal
from proxy.heads import answer_head, interim_head
from proxy.pool import TargetRefused
from proxy.upstream import UpstreamConnection
from proxy.whole_answer import WholeAnswer

if TYPE_CHECKING:
    from proxy.capture import Capture
    from proxy.prepared import Prepared
    from proxy.server import ClientConnection, Incoming
    from proxy.services import Services

__all__ = ["Exchange"]

_MOST_UNSENT = 1024 * 1024
_JOIN_BELOW = 64 * 1024
_NOT_OPENED, _SOON = -2, -1
_REQUEST_ID, _HEAD_END = b"spanmeter-request-id: ", b"\r\n\r\n"


class Exchange:
    """Stands between a ClientConnection and an UpstreamConnection."""

    __slots__ = (
        "_bodyless",
        "_break_off",
        "_capture",
        "_chunked_answer",
        "_client",
        "_close_client",
        "_connecting",
        "_delimited",
        "_final",
        "_head",
        "_incoming",
        "_last_event",
        "_opened_with",
        "_over",
        "_prepared",
        "_request_id",
        "_services",
        "_started",
        "_unsent",
        "_upstream",
        "answering",
    )

    def __init__(
        self,
        *,
        services: "Services",
        client: "ClientConnection",
        incoming: "Incoming",
        prepared: "Prepared",
        head: bytes,
        capture: "Capture",
        request_id: bytes,
        now: int,
    ) -> None:
        self._services = services
        self._client = client
        self._incoming = incoming
        self._prepared = prepared
        self._capture = capture
        self._request_id = request_id
        self._head = head
        self._bodyless = incoming.method == b"HEAD"
        self._started = self._last_event = now
        self._opened_with = _NOT_OPENED  # or request bytes in the last OPEN
        self._unsent: list[bytes] = [head]
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._chunked_answer = False
        self._delimited = True
        self._close_client = not incoming.keep_alive
        self._over = False
        self._break_off = False
        self._final = b""
        self.answering = False  # the answer's head was handed to the client
        services.metrics.in_flight += 1
        upstream = services.pool.take(prepared.origin, now=now)
        if upstream is not None:
            self._attach(upstream)
        else:
            self._connect()

    # --- towards the upstream ---

    def _attach(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.begin(self, bodyless=self._bodyless)

    def _connect(self) -> None:
        self._connecting = self._services.pool.connect(
            self._prepared.origin, made=self._connected, failed=self._unreachable
        )

    def _connected(self, upstream: UpstreamConnection) -> None:
        self._connecting = None
        self._attach(upstream)
        self._send([])
        self._client.release_hold("upstream")

    def _unreachable(self, error: Exception) -> None:
        self._connecting = None
        reason = str(error) or type(error).__name__
        if isinstance(error, TargetRefused):
            refusal = Refusal(403, "target_not_allowed", f"The target {reason}.")
        else:
            refusal = Refusal(
                504 if isinstance(error, TimeoutError) else 502,
                "upstream_unreachable",
                f"{self._provider} cannot be reached at {self._prepared.origin.text}: {reason}. "
                f"SPANMETER_UPSTREAM_{self._provider.upper()} changes where it is looked for.",
            )
        self._fail(Outcome.UPSTREAM_UNREACHABLE, reason, refusal)

    @property
    def _provider(self) -> str:
        return self._prepared.placed.provider

    def received(self, incoming: "Incoming") -> None:
        """Pass on what came of the request, and record it."""
        capture = self._capture
        chunked = self._prepared.chunked
        out: list[bytes] = []
        pieces = incoming.pieces
        if pieces:
            incoming.pieces = []
            for piece in pieces:
                capture.request_body(piece)
                if chunked:
                    out += (b"%x\r\n" % len(piece), piece, b"\r\n")
            if not chunked:
                out = pieces
        if self._over:
            return
        self._last_event = now = time.monotonic_ns()
        if incoming.complete:
            if chunked:
                out.append(b"0\r\n\r\n")
            capture.request_sent(now)
        self._send(out)
        if self._opened_with == _NOT_OPENED:
            self._opened_with = _SOON
            self._services.openings.add(self)
        elif self._opened_with >= 0 and incoming.complete and capture.request_bytes != self._opened_with:
            self._opened_with = _SOON
            self.open_record()

    def open_record(self) -> None:
        """Have the opening record written, if it was not, with what of the request is here."""
        if self._opened_with == _SOON and not self._over:
            self._opened_with = self._capture.request_bytes
            self._services.commit.add_later(self._capture.open_frame)

    def _send(self, out: list[bytes]) -> None:
        """Write to the upstream, or keep until there is one."""
        if self._unsent:
            out, self._unsent = self._unsent + out, []
        upstream = self._upstream
        if upstream is None:
            self._unsent = out
            if sum(map(len, out)) > _MOST_UNSENT:
                self._client.hold("upstream")
            return
        if not out:
            return
        if len(out) == 1:
            upstream.transport.write(out[0])
        elif len(out[-1]) < _JOIN_BELOW and sum(map(len, out)) < 2 * _JOIN_BELOW:
            upstream.transport.write(b"".join(out))
        else:
            upstream.transport.writelines(out)

    def upstream_writable(self, writable: bool) -> None:
        """Let the client wait until the upstream has taken what it was sent."""
        if writable:
            self._client.release_hold("upstream")
        else:
            self._client.hold("upstream")

    # --- towards the client ---

    def upstream_fed(self, now: int) -> None:
        """Pass on what came of the answer, but for its end, and record it."""
        upstream = self._upstream
        if upstream is None or self._over:
            return
        self._last_event = now
        capture = self._capture
        if not capture.answered:
            capture.first_byte(now)
        out: list[bytes] = []
        if not self.answering:
            if upstream.interims:
                self._pass_interims(upstream)
            if not upstream.head_complete:
                return
            out.append(self._answer_head(upstream))
        pieces = upstream.pieces
        if pieces:
            upstream.pieces = []
            capture.response_body(pieces, now)
            if self._chunked_answer:
                for piece in pieces:
                    out += (b"%x\r\n" % len(piece), piece, b"\r\n")
            else:
                out += pieces
        if upstream.complete:
            if self._chunked_answer:
                out.append(_last_chunk(upstream.trailers))
            self._finish(Outcome.COMPLETE, "", b"".join(out), now=now)
        elif out:
            if self._opened_with == _SOON:
                # Whoever sees a piece of the answer finds its record: nearly always it was written long ago.
                self.open_record()
                self._services.commit.flush()
            self._client.write(out)

    def upstream_answered(self, answer: WholeAnswer, now: int) -> None:
        """Hold a whole answer until it is recorded."""
        if self._upstream is None or self._over:
            return
        self._last_event = now
        self.answering = True
        self._capture.whole_answer(answer.status, answer.recorded, answer.body, now)
        final = b"".join(
            (*answer.lines, self._connection_line(), _REQUEST_ID, self._request_id, _HEAD_END, answer.body)
        )
        self._finish(Outcome.COMPLETE, "", final, now=now)

    def _connection_line(self) -> bytes:
        if self._services.stopping:
            self._close_client = True
        if self._close_client:
            return b"connection: close\r\n"
        return b"connection: keep-alive\r\n" if self._incoming.version == "1.0" else b""

    def _answer_head(self, upstream: UpstreamConnection) -> bytes:
        self.answering = True
        old_client = self._incoming.version == "1.0"
        has_body = not self._bodyless and upstream.status not in {204, 304}
        self._chunked_answer = upstream.chunked and has_body and not old_client
        self._delimited = not (upstream.close_delimited or (upstream.chunked and old_client))
        if not self._delimited:
            self._close_client = True
        head, recorded = answer_head(
            status=upstream.status,
            reason=upstream.reason,
            headers=upstream.headers,
            request_id=self._request_id,
            chunked=upstream.chunked and not old_client,
            connection=self._connection_line(),
        )
        self._capture.response_head(upstream.status, recorded)
        return head

    def _pass_interims(self, upstream: UpstreamConnection) -> None:
        for status, reason, headers in upstream.interims:
            # Whoever expected 100 has had it from us, and 101 is refused at the door.
            if status > 101 and self._incoming.version == "1.1":
                self._client.write([interim_head(status=status, reason=reason, headers=headers)])
        upstream.interims = []

    def client_writable(self, writable: bool) -> None:
        """Let the upstream wait until the client has taken what it was sent."""
        upstream = self._upstream
        if upstream is None or upstream.transport.is_closing():
            return
        if writable:
            upstream.transport.resume_reading()
        else:
            upstream.transport.pause_reading()

    # --- ends ---

    def upstream_lost(self, detail: str) -> None:
        """The upstream's connection broke before the answer was complete."""
        upstream, self._upstream = self._upstream, None
        if self._over or upstream is None:
            return
        stale = upstream.reused and not upstream.answer_bytes
        if stale and self._prepared.retry_allowed and self._capture.replayable and self._incoming.complete:
            # The provider closed an idle connection just as we used it. Nothing was answered and the method allows it:
            # once more, on a connection of its own (which is not `reused`, so that there is no third time).
            self._unsent = [self._head, *self._body_again()]
            self._connect()
            return
        if stale:
            detail += "; it was an idle connection, and a request like this is not sent twice"
        refusal = Refusal(502, "upstream_broke", f"{self._provider} broke off: {detail}.")
        self._fail(Outcome.UPSTREAM_BROKE, detail, refusal)

    def _body_again(self) -> list[bytes]:
        body = b"".join(self._capture.request_pieces)
        if not self._prepared.chunked:
            return [body]
        return [b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n"] if body else [b"0\r\n\r\n"]

    def client_lost(self, detail: str) -> None:
        """The client hung up: the upstream is cancelled, what was seen is recorded."""
        if not self._over:
            self._finish(Outcome.CLIENT_GONE, detail, b"", now=time.monotonic_ns())

    def overdue(self, now: int) -> None:
        """Look at the clock."""
        settings = self._services.settings
        if self._over:
            return
        if now - self._started > settings.request_timeout * 1e9:
            detail = f"the exchange took longer than SPANMETER_REQUEST_TIMEOUT ({settings.request_timeout:g} s)"
        elif now - self._last_event > settings.idle_timeout * 1e9:
            if not self._incoming.complete:
                detail = f"the request's body stopped for SPANMETER_IDLE_TIMEOUT ({settings.idle_timeout:g} s)"
                self._client.abort()
                self._finish(Outcome.CLIENT_GONE, detail, b"", now=now)
                return
            detail = f"nothing moved for SPANMETER_IDLE_TIMEOUT ({settings.idle_timeout:g} s)"
        else:
            return
        refusal = Refusal(504, "upstream_timeout", f"{self._provider} did not answer in time: {detail}.")
        self._fail(Outcome.UPSTREAM_TIMEOUT, detail, refusal)

    def shut_down(self) -> None:
        """The gateway stops and will not wait for this one any longer."""
        if not self._over:
            refusal = Refusal(503, "shutting_down", "The gateway is being stopped; try again.", retry_after=1)
            self._fail(Outcome.SHUTDOWN, "the gateway was stopped", refusal)

    def _fail(self, outcome: Outcome, detail: str, refusal: Refusal) -> None:
        """End an exchange for which there is no whole answer: with an error of ours, or by breaking off what
        was begun.
        """
        if self._over:
            return
        if self.answering:
            # A clean end would make half an answer look like a whole one.
            self._break_off = True
            self._finish(outcome, detail, b"", now=time.monotonic_ns())
            return
        self._services.metrics.requests[self._provider, refusal.status] += 1
        answer = self._client.refusal_bytes(self._incoming, refusal, request_id=self._request_id)
        self._close_client = self._close_client or refusal.close or not self._incoming.complete
        self._finish(outcome, detail, answer, now=time.monotonic_ns())

    def _finish(self, outcome: Outcome, detail: str, final: bytes, *, now: int) -> None:
        """Hand the record to the group commit and hold the answer's last piece until it is written."""
        self._over = True
        services, capture, upstream = self._services, self._capture, self._upstream
        self._upstream = None
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if upstream is not None:
            if outcome is Outcome.COMPLETE and self._incoming.complete and upstream.reusable:
                if self._client.congested:
                    upstream.transport.resume_reading()
                services.pool.give(self._prepared.origin, upstream, now=now)
            else:
                upstream.end()
                upstream.transport.abort()
        metrics = services.metrics
        metrics.in_flight -= 1
        metrics.outcomes[outcome] += 1
        if capture.status:
            metrics.requests[self._provider, capture.status] += 1
        if capture.answered:
            metrics.observe(capture.upstream_seconds)
        self._final = final
        services.commit.add(capture.close_frame(outcome=outcome, detail=detail, now=now), self._committed)

    def _committed(self, written: bool) -> None:
        if not written:
            self._services.unrecorded(self._capture.project_id)
        if self._break_off:
            # An answer with chunks or a length is seen to be cut when the connection just ends, and what was passed on
            # before still arrives. One that ends with its connection needs a reset to be told from a whole one.
            self._client.break_off(abort=not self._delimited)
        else:
            self._client.finish(self._incoming, self._final, close=self._close_client or not self._incoming.complete)


def _last_chunk(trailers: list[tuple[bytes, bytes]]) -> bytes:
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n" + b"".join([b"%b: %b\r\n" % pair for pair in trailers]) + b"\r\n"
