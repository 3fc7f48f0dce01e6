"""The body of an OTLP logs request, protobuf or JSON, as its message."""

import base64
from typing import Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

__all__ = ["UnreadableLogs", "parse"]

_IDS = frozenset({"traceId", "trace_id", "spanId", "span_id"})
_LISTS = frozenset({"resourceLogs", "resource_logs", "scopeLogs", "scope_logs", "logRecords", "log_records"})
_NO_ID = base64.b64encode(b"\1").decode()  # of no valid length, so the one record is refused and not the body


class UnreadableLogs(ValueError):  # noqa: N818 - says what the body is
    """The body is not what its content type says; the message says where."""


def parse(content: bytes, *, json: bool) -> LogsData:
    """Return the message. Raises UnreadableLogs."""
    data = LogsData()
    try:
        if not json:
            data.ParseFromString(content)
            return data
        # OTLP's JSON is protobuf's own but for ids, which are hex instead of base64.
        ParseDict(_with_ids(_object(orjson.loads(content))), data, ignore_unknown_fields=True)
    except (DecodeError, ParseError, orjson.JSONDecodeError, RecursionError, UnicodeError) as error:
        kind = "JSON" if json else "protobuf"
        raise UnreadableLogs(f"the body is no ExportLogsServiceRequest in {kind}: {error}"[:500]) from error
    return data


def _object(document: Any) -> dict[str, Any]:
    if isinstance(document, dict):
        return document
    raise ParseError(f"it is a {type(document).__name__}, expected an object")


def _with_ids(message: Any) -> Any:
    """Rewrite the ids of log records; nothing below a record is looked at."""
    if not isinstance(message, dict):
        return message
    found = {}
    for key, value in message.items():
        if key in _LISTS and isinstance(value, list):
            value = [_with_ids(item) for item in value]
        elif key in _IDS and isinstance(value, str):
            value = _base64(value)
        found[key] = value
    return found


def _base64(text: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except ValueError:
        return _NO_ID
