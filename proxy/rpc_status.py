"""google.rpc.Status, the form of OTLP's errors over HTTP and of the details of a gRPC status. Pure; no protobuf
library.
"""

from ingestion.envelope import encode_varint

__all__ = ["retry_info", "rpc_status"]

_RETRY_INFO_TYPE = b"type.googleapis.com/google.rpc.RetryInfo"


def rpc_status(code: int, message: str, *, details: bytes = b"") -> bytes:
    """Return a Status; `details` is one google.rpc.RetryInfo or nothing."""
    status = b"\x08" + encode_varint(code) + _message(b"\x12", message.encode("utf-8", "replace"))
    if details:
        status += _message(b"\x1a", _message(b"\x0a", _RETRY_INFO_TYPE) + _message(b"\x12", details))
    return status


def retry_info(seconds: int) -> bytes:
    """Return a google.rpc.RetryInfo: a Duration of whole seconds."""
    return _message(b"\x0a", b"\x08" + encode_varint(seconds))


def _message(tag: bytes, content: bytes) -> bytes:
    return tag + encode_varint(len(content)) + content
