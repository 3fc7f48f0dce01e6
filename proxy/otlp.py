"""The OTLP door over HTTP: take a body whole, spool it (otlp_taking.py), answer 200. Decoding it is ingest's work.

A 200 means that the record stands in a file. When it cannot be spooled the answer is 503 with Retry-After, and
nothing of it was written. Errors are in OTLP's own form (google.rpc.Status), in the content type that was sent.
"""

import time
from typing import TYPE_CHECKING

import orjson

from proxy.errors import Refusal, reason_phrase
from proxy.heads import RequestHead, plain_answer
from proxy.inflate import ENCODINGS
from proxy.otlp_taking import JSON, PROTOBUF, SHUTTING_DOWN, STOPPED_COMING, OtlpTaking, kept_headers
from proxy.rpc_status import rpc_status

if TYPE_CHECKING:
    from proxy.keys_source import Key
    from proxy.server import ClientConnection, Incoming
    from proxy.services import Services

__all__ = ["OtlpIntake", "refusal_in_kind"]

_GRPC_CODES = {400: 3, 401: 16, 403: 7, 405: 12, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14}


class OtlpIntake(OtlpTaking):
    """Answers one OTLP request."""

    def __init__(
        self,
        *,
        services: "Services",
        client: "ClientConnection",
        incoming: "Incoming",
        head: RequestHead,
        key: "Key",
        signal: str,
    ) -> None:
        by_name = head.by_name
        super().__init__(
            services=services,
            key=key,
            signal=signal,
            content_type=by_name.get(b"content-type", b"").partition(b";")[0].strip().lower(),
            recorded=kept_headers(head.recorded),
        )
        self._client = client
        self._incoming = incoming
        self._encoding = by_name.get(b"content-encoding", b"identity").strip().lower().decode("ascii", "replace")
        self._pieces: list[bytes] = []
        self._size = 0
        self._last_event = time.monotonic_ns()
        self._answered = False
        refusal = self._refusal_at_the_head()
        if refusal is not None:
            self._refuse(refusal)

    def _refusal_at_the_head(self) -> Refusal | None:
        if self._incoming.method != b"POST":
            return Refusal(405, "method_not_allowed", f"OTLP {self._signal} are sent with POST.")
        if self._content_type not in {PROTOBUF, JSON}:
            shown = self._content_type.decode("utf-8", "replace")
            return Refusal(
                415,
                "unsupported_media_type",
                f"Content-Type {shown!r} is not read here: send application/x-protobuf or application/json.",
            )
        if self._encoding not in ENCODINGS:
            return Refusal(
                415,
                "unsupported_media_type",
                f"Content-Encoding {self._encoding!r} is not read here: send {', '.join(ENCODINGS)}.",
            )
        return self._no_room(int(self._incoming.length or 0))  # digits: the parser saw to it

    def received(self, incoming: "Incoming") -> None:
        """Collect; when it is whole, read."""
        pieces, incoming.pieces = incoming.pieces, []
        if self._answered:
            return
        self._last_event = time.monotonic_ns()
        self._pieces += pieces
        self._size += sum(map(len, pieces))
        if self._size > self._services.settings.body_bytes:
            self._refuse(self._too_large())
        elif incoming.complete:
            self._answered = True
            body = b"".join(self._pieces)
            self._pieces = []
            self._take_body(body, self._encoding)

    def _accepted(self) -> None:
        json = self._content_type == JSON
        close = not self._incoming.keep_alive
        answer = plain_answer(
            status=200,
            reason=b"OK",
            body=b"{}" if json else b"",
            content_type=JSON if json else PROTOBUF,
            close=close,
        )
        self._client.finish(self._incoming, answer, close=close)

    def _refuse(self, refusal: Refusal) -> None:
        self._answered = True
        self._pieces = []
        self._services.metrics.requests[self._signal, refusal.status] += 1
        close = not self._incoming.keep_alive or not self._incoming.complete
        answer = refusal_in_kind(refusal, self._content_type, close=close)
        self._client.finish(self._incoming, answer, close=close)

    def client_lost(self, detail: str) -> None:
        """Half a body is nobody's record; a whole one that is being read or written goes its way."""
        self._pieces = []

    def client_writable(self, writable: bool) -> None:
        """Answers here are small."""

    def overdue(self, now: int) -> None:
        """Give up on a body that has stopped coming."""
        if not self._answered and now - self._last_event > self._services.settings.idle_timeout * 1e9:
            self._refuse(STOPPED_COMING)

    def shut_down(self) -> None:
        """What is being written is waited for; what is not here yet is refused."""
        if not self._answered:
            self._refuse(SHUTTING_DOWN)


def refusal_in_kind(refusal: Refusal, content_type: bytes, *, close: bool) -> bytes:
    """Return an OTLP error answer: google.rpc.Status as protobuf, or as JSON to whoever sent JSON."""
    code = _GRPC_CODES.get(refusal.status, 2)
    protobuf = content_type.startswith(PROTOBUF)
    body = (
        rpc_status(code, refusal.message)
        if protobuf
        else orjson.dumps({"code": code, "message": refusal.message.encode("utf-8", "replace").decode()})
    )
    headers: list[tuple[bytes, bytes]] = [(b"spanmeter-error", refusal.code.encode())]
    if refusal.retry_after:
        headers.append((b"retry-after", b"%d" % refusal.retry_after))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="spanmeter"'))
    return plain_answer(
        status=refusal.status,
        reason=reason_phrase(refusal.status),
        body=body,
        content_type=PROTOBUF if protobuf else JSON,
        headers=tuple(headers),
        close=close,
    )
