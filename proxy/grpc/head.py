"""What a call's headers ask for. Pure."""

from typing import NamedTuple

from proxy.errors import Refusal
from proxy.heads import read_request_head
from proxy.inflate import ENCODINGS
from proxy.otlp_taking import kept_headers

__all__ = ["ACCEPTED_ENCODINGS", "HEALTH", "CallHead", "Headers", "not_grpc", "read_call_head"]

Headers = list[tuple[bytes, bytes]]
HEALTH = "health"
ACCEPTED_ENCODINGS = ",".join(ENCODINGS).encode()
_METHODS = {
    b"/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    b"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
    b"/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    b"/grpc.health.v1.Health/Check": HEALTH,
}
_CONTENT_TYPES = frozenset({b"application/grpc", b"application/grpc+proto"})


class CallHead(NamedTuple):
    """A call that can be taken."""

    service: str  # a signal, or HEALTH
    encoding: str  # of messages that say that they are compressed
    by_name: dict[bytes, bytes]
    recorded: tuple[tuple[bytes, bytes], ...]


def not_grpc(headers: Headers) -> Refusal | None:
    """Say why this is no gRPC call at all: such a request is answered with an HTTP status."""
    by_name = dict(headers)
    method = by_name.get(b":method", b"")
    if method != b"POST":
        return Refusal(405, "method_not_allowed", f"gRPC calls are sent with POST, found {_shown(method)}.")
    content_type = by_name.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type not in _CONTENT_TYPES:
        return Refusal(
            415,
            "unsupported_media_type",
            f"Content-Type {_shown(content_type)} is not read here: this port speaks gRPC with protobuf messages "
            "(application/grpc).",
        )
    return None


def read_call_head(headers: Headers) -> CallHead | Refusal:
    """Sort the headers of a gRPC call, or refuse it."""
    path = next((value for name, value in headers if name == b":path"), b"")
    service = _METHODS.get(path)
    if service is None:
        return Refusal(
            404,
            "unknown_path",
            f"There is no method {_shown(path)} here: this port takes Export of OpenTelemetry's TraceService, "
            "MetricsService and LogsService (v1).",
        )
    head = read_request_head([(name, value) for name, value in headers if name[:1] != b":"])
    encoding = head.by_name.get(b"grpc-encoding", b"identity").strip().lower().decode("utf-8", "replace")
    if encoding not in ENCODINGS:
        return Refusal(
            415,
            "unsupported_media_type",
            f"Messages compressed with {encoding!r} are not read here: send {', '.join(ENCODINGS)}.",
        )
    return CallHead(service, encoding, head.by_name, kept_headers(head.recorded))


def _shown(value: bytes) -> str:
    return repr(value[:200].decode("utf-8", "replace"))
