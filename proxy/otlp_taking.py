"""What both OTLP doors (HTTP and gRPC) do with a body that came whole: decompress, count, hash, seal, commit.

The door is told by `_accepted` that the record stands in a file, or by `_refuse` that nothing of it was written. How
either is said to the client is the door's business; decoding the body is ingest's.
"""

import functools
import hashlib
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from ingestion.envelope import Kind, body_prefix, seal
from ingestion.ids import uuid7_bytes
from proxy.errors import Refusal
from proxy.inflate import BodyTooLarge, NotDecompressible, inflate
from proxy.otlp_count import Malformed, count_json, count_protobuf

if TYPE_CHECKING:
    import asyncio

    from proxy.keys_source import Key
    from proxy.services import Services

__all__ = ["JSON", "PROTOBUF", "SHUTTING_DOWN", "STOPPED_COMING", "OtlpTaking", "kept_headers"]

PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
SHUTTING_DOWN = Refusal(503, "shutting_down", "The gateway is being stopped; try again.", retry_after=1)
STOPPED_COMING = Refusal(408, "request_timeout", "The request's body stopped coming.", close=True)
_SPOOL_FULL = Refusal(
    503,
    "spool_full",
    "Nothing can be taken now: the spool has reached SPANMETER_SPOOL_BYTES or the disk is full. Try again.",
    retry_after=2,
)
_KINDS = {"traces": Kind.TRACES, "logs": Kind.LOGS, "metrics": Kind.METRICS}
_KEPT_HEADERS = (b"spanmeter-", b"x-langfuse-", b"user-agent")
# Up to here a body is read in less time than handing it to a thread and back takes.
_INLINE = 64 * 1024


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


def kept_headers(recorded: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return which of a request's headers (lower-case names, secrets replaced) stand in the record."""
    return tuple(pair for pair in recorded if pair[0].startswith(_KEPT_HEADERS))


class OtlpTaking(ABC):
    """One OTLP request on its way into the spool."""

    def __init__(
        self,
        *,
        services: "Services",
        key: "Key",
        signal: str,
        content_type: bytes,
        recorded: tuple[tuple[bytes, bytes], ...],
    ) -> None:
        self._services = services
        self._key = key
        self._signal = signal
        self._content_type = content_type
        self._recorded = recorded

    @abstractmethod
    def _accepted(self) -> None:
        """The record stands in a file: say so."""

    @abstractmethod
    def _refuse(self, refusal: Refusal) -> None:
        """Nothing of it was written: say why."""

    def _no_room(self, size: int) -> Refusal | None:
        """Say why a body of this size as sent cannot be taken."""
        most = self._services.settings.body_bytes
        if size > most:
            return self._too_large()
        return None if self._services.commit.writer.has_room(size) else _SPOOL_FULL

    def _too_large(self) -> Refusal:
        most = self._services.settings.body_bytes
        return Refusal(
            413, "body_too_large", f"The body is over SPANMETER_MAX_OTLP_BYTES ({most}). Send smaller batches."
        )

    def _take_body(self, body: bytes, encoding: str) -> None:
        """Read a body that is all there, in a thread if it is a large one, and have it written."""
        settings = self._services.settings
        read = functools.partial(
            _read,
            body,
            encoding=encoding,
            json=self._content_type == JSON,
            signal=self._signal,
            most=settings.decompressed_bytes,
            ratio=settings.decompression_ratio,
        )
        if len(body) <= _INLINE:
            self._write(read())
        else:
            self._services.loop.run_in_executor(None, read).add_done_callback(self._read_elsewhere)

    def _read_elsewhere(self, reading: "asyncio.Future[_Read | Refusal]") -> None:
        self._write(reading.result())

    def _write(self, read: _Read | Refusal) -> None:
        if isinstance(read, Refusal):
            self._refuse(read)
            return
        self._records = read.records
        services, key = self._services, self._key
        if not services.commit.writer.has_room(len(read.body)):
            self._refuse(_SPOOL_FULL)
            return
        now_ns = time.time_ns()
        as_otlp = self._signal == "traces" and self._content_type == PROTOBUF
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
            self._refuse(_SPOOL_FULL)
            return
        metrics = self._services.metrics
        metrics.requests[self._signal, 200] += 1
        metrics.records[self._signal] += self._records
        self._accepted()
