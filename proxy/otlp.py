"""The OTLP door: take a body whole, look at its framing, spool it, answer 200. Decoding it is ingest's work.

A 200 means that the record stands in a file. When it cannot be spooled the answer is 503 with Retry-After, and
nothing of it was written. Errors are in OTLP's own form (google.rpc.Status), in the content type that was sent.
"""

import functools
import hashlib
import time
from typing import TYPE_CHECKING, NamedTuple

import orjson

from ingestion.envelope import Kind, body_prefix, encode_varint, seal
from ingestion.ids import uuid7_bytes
from proxy.errors import Refusal, reason_phrase
from proxy.heads import RequestHead, plain_answer
from proxy.inflate import ENCODINGS, BodyTooLarge, NotDecompressible, inflate
from proxy.otlp_count import Malformed, count_json, count_protobuf

if TYPE_CHECKING:
    import asyncio

    from proxy.keys_source import Key
    from proxy.server import ClientConnection, Incoming
    from proxy.services import Services

__all__ = ["OtlpIntake", "refusal_in_kind"]

_KINDS = {"traces": Kind.TRACES, "logs": Kind.LOGS, "metrics": Kind.METRICS}
_PROTOBUF = b"application/x-protobuf"
_JSON = b"application/json"
_KEPT_HEADERS = (b"spanmeter-", b"x-langfuse-", b"user-agent")
# Up to here a body is read in less time than handing it to a thread and back takes.
_INLINE = 64 * 1024
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 405: 12, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14}


class _Read(NamedTuple):
    body: bytes
    records: int
    body_hash: bytes


def _read(body: bytes, *, encoding: str, json: bool, signal: str, most: int, ratio: int) -> _Read | Refusal:
    """Decompress, count and hash a body, or say what is wrong with it. Pure."""
    try:
        content = inflate(body, encoding=encoding, most=most, ratio=ratio)
        records = count_json(content, signal) if json else count_protobuf(content, signal)
    except BodyTooLarge as error:
        return Refusal(413, "body_too_large", f"{error}. Send smaller batches.")
    except NotDecompressible as error:
        return Refusal(400, "malformed_body", f"{error}.")
    except Malformed as error:
        form = "JSON" if json else "protobuf"
        return Refusal(400, "malformed_body", f"This is no OTLP {signal} request in {form}: {error}.")
    # Processors have instructions for SHA-256: a third of the time that BLAKE2 takes without any.
    return _Read(content, records, hashlib.sha256(content).digest()[:16])


class OtlpIntake:
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
        self._services = services
        self._client = client
        self._incoming = incoming
        self._head = head.by_name
        self._recorded = tuple(pair for pair in head.recorded if pair[0].startswith(_KEPT_HEADERS))
        self._key = key
        self._signal = signal
        self._content_type = self._head.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self._encoding = self._head.get(b"content-encoding", b"identity").strip().lower().decode("ascii", "replace")
        self._pieces: list[bytes] = []
        self._size = 0
        self._last_event = time.monotonic_ns()
        self._answered = False
        refusal = self._refusal_at_the_head()
        if refusal is not None:
            self._refuse(refusal)

    def _refusal_at_the_head(self) -> Refusal | None:
        most = self._services.settings.body_bytes
        if self._incoming.method != b"POST":
            return Refusal(405, "method_not_allowed", f"OTLP {self._signal} are sent with POST.")
        if self._content_type not in {_PROTOBUF, _JSON}:
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
        length = int(self._incoming.length or 0)  # digits: the parser saw to it
        if length > most:
            return self._too_large()
        if not self._services.commit.writer.has_room(length):
            return self._spool_full()
        return None

    def _too_large(self) -> Refusal:
        most = self._services.settings.body_bytes
        return Refusal(
            413, "body_too_large", f"The body is over SPANMETER_MAX_OTLP_BYTES ({most}). Send smaller batches."
        )

    def _spool_full(self) -> Refusal:
        return Refusal(
            503,
            "spool_full",
            "Nothing can be taken now: the spool has reached SPANMETER_SPOOL_BYTES or the disk is full. Try again.",
            retry_after=2,
        )

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
            options = {
                "encoding": self._encoding,
                "json": self._content_type == _JSON,
                "signal": self._signal,
                "most": self._services.settings.decompressed_bytes,
                "ratio": self._services.settings.decompression_ratio,
            }
            if len(body) <= _INLINE:
                self._take(_read(body, **options))  # type: ignore[arg-type]
            else:
                read = functools.partial(_read, body, **options)  # type: ignore[arg-type]
                services = self._services
                services.loop.run_in_executor(None, read).add_done_callback(self._read_elsewhere)

    def _read_elsewhere(self, reading: "asyncio.Future[_Read | Refusal]") -> None:
        self._take(reading.result())

    def _take(self, read: _Read | Refusal) -> None:
        if isinstance(read, Refusal):
            self._refuse(read)
            return
        self._records = read.records
        services, key = self._services, self._key
        if not services.commit.writer.has_room(len(read.body)):
            self._refuse(self._spool_full())
            return
        now_ns = time.time_ns()
        as_otlp = self._signal == "traces" and self._content_type == _PROTOBUF
        prefix = body_prefix(
            kind=_KINDS[self._signal],
            project_id=key.project_id,
            received_ns=now_ns,
            id=uuid7_bytes(now_ns=now_ns),
            records=read.records,
            key_id=key.id,
            body_hash=read.body_hash,
            size=len(read.body),
            otlp=as_otlp,
            content_type="" if as_otlp else self._content_type.decode(),
            headers=self._recorded,
        )
        services.commit.add(seal([prefix, read.body]), self._committed)

    def _committed(self, written: bool) -> None:
        if not written:
            self._refuse(self._spool_full())
            return
        metrics = self._services.metrics
        metrics.requests[self._signal, 200] += 1
        metrics.records[self._signal] += self._records
        json = self._content_type == _JSON
        close = not self._incoming.keep_alive
        answer = plain_answer(
            status=200,
            reason=b"OK",
            body=b"{}" if json else b"",
            content_type=_JSON if json else _PROTOBUF,
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
            self._refuse(Refusal(408, "request_timeout", "The request's body stopped coming.", close=True))

    def shut_down(self) -> None:
        """What is being written is waited for; what is not here yet is refused."""
        if not self._answered:
            self._refuse(Refusal(503, "shutting_down", "The gateway is being stopped; try again.", retry_after=1))


def refusal_in_kind(refusal: Refusal, content_type: bytes, *, close: bool) -> bytes:
    """Return an OTLP error answer: google.rpc.Status as protobuf, or as JSON to whoever sent JSON."""
    code = _GRPC_CODES.get(refusal.status, 2)
    message = refusal.message.encode("utf-8", "replace")
    protobuf = content_type.startswith(_PROTOBUF)
    body = (
        b"\x08" + encode_varint(code) + b"\x12" + encode_varint(len(message)) + message
        if protobuf
        else orjson.dumps({"code": code, "message": message.decode()})
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
        content_type=_PROTOBUF if protobuf else _JSON,
        headers=tuple(headers),
        close=close,
    )
