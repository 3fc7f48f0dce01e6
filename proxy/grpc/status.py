"""How a refusal is said over gRPC: its code, its message, and when to try again. Pure.

Clients find the pause in two places: in `grpc-status-details-bin`, as the OTLP specification says and collectors read
it, and in `google.rpc.retryinfo-bin`, where Python's exporter looks.
"""

from binascii import b2a_base64
from urllib.parse import quote

from proxy.errors import Refusal
from proxy.rpc_status import retry_info, rpc_status

__all__ = ["OK_TRAILERS", "grpc_code", "trailers"]

Headers = tuple[tuple[bytes, bytes], ...]
OK_TRAILERS: Headers = ((b"grpc-status", b"0"),)
_UNKNOWN = 2
# INVALID_ARGUMENT, UNAUTHENTICATED, UNIMPLEMENTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE
_CODES = {400: 3, 401: 16, 404: 12, 405: 12, 408: 4, 413: 8, 415: 12, 503: 14}
# All that is printed in ASCII but for the percent sign itself.
_AS_IT_IS = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def grpc_code(refusal: Refusal) -> int:
    """Return the number of a refusal's gRPC code."""
    return _CODES.get(refusal.status, _UNKNOWN)


def trailers(refusal: Refusal) -> Headers:
    """Return the trailers that end a refused call."""
    code = grpc_code(refusal)
    found: list[tuple[bytes, bytes]] = [
        (b"grpc-status", b"%d" % code),
        (b"grpc-message", quote(refusal.message, safe=_AS_IT_IS, errors="replace").encode("ascii")),
        (b"spanmeter-error", refusal.code.encode()),
    ]
    if refusal.retry_after:
        pause = retry_info(refusal.retry_after)
        found.append((b"grpc-status-details-bin", _base64(rpc_status(code, refusal.message, details=pause))))
        found.append((b"google.rpc.retryinfo-bin", _base64(pause)))
    return tuple(found)


def _base64(value: bytes) -> bytes:
    return b2a_base64(value, newline=False).rstrip(b"=")
