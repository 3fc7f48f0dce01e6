"""OTLP/JSON → OTLP protobuf, so that its meaning is read once, from protobuf.

OTLP/JSON is not protobuf's own JSON mapping: ids are hex, 64-bit numbers come as strings or numbers, enum values are
numbers, names are lowerCamelCase, and what is unknown is ignored. Values of a wrong type raise MalformedBody, which
names the place.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

__all__ = ["MalformedBody", "to_protobuf"]

_DEEPEST = 64


class MalformedBody(ValueError):  # noqa: N818 - says what the body is
    """The body is not what its content type says; the message names the place and the value."""


def to_protobuf(body: bytes) -> bytes:
    """Return the protobuf form of an ExportTraceServiceRequest in OTLP/JSON."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            value = orjson.loads(body.decode("utf-8", "replace"))
        except orjson.JSONDecodeError as error:
            raise MalformedBody(f"not JSON: {error}") from error
    data = TracesData()
    for resource_spans in _list(_object(value, "the body"), "resourceSpans"):
        into = data.resource_spans.add()
        resource = _object(resource_spans.get("resource") or {}, "resource")
        _attributes(into.resource.attributes, resource, "resource")
        for scope_spans in _list(resource_spans, "scopeSpans"):
            to = into.scope_spans.add()
            scope = _object(scope_spans.get("scope") or {}, "scope")
            to.scope.name = _string(scope, "name")
            to.scope.version = _string(scope, "version")
            for span in _list(scope_spans, "spans"):
                _span(to.spans.add(), span)
    return bytes(data.SerializeToString())


def _span(into: Any, span: Mapping[str, Any]) -> None:
    into.trace_id = _id(span, "traceId")
    into.span_id = _id(span, "spanId")
    into.parent_span_id = _id(span, "parentSpanId")
    into.name = _string(span, "name")
    into.start_time_unix_nano = _unsigned(span, "startTimeUnixNano")
    into.end_time_unix_nano = _unsigned(span, "endTimeUnixNano")
    _attributes(into.attributes, span, "span")
    for event in _list(span, "events"):
        to = into.events.add()
        to.time_unix_nano = _unsigned(event, "timeUnixNano")
        to.name = _string(event, "name")
        _attributes(to.attributes, event, "event")
    for link in _list(span, "links"):
        into.links.add(trace_id=_id(link, "traceId"), span_id=_id(link, "spanId"))
    status = _object(span.get("status") or {}, "status")
    into.status.message = _string(status, "message")
    code = status.get("code") or 0
    into.status.code = (
        {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}.get(code, 0) if isinstance(code, str) else _code(code)
    )


def _code(code: Any) -> int:
    return code if isinstance(code, int) and code in {1, 2} else 0


def _attributes(into: Any, holder: Mapping[str, Any], where: str) -> None:
    for attribute in _list(holder, "attributes"):
        to = into.add()
        to.key = _string(attribute, "key")
        if attribute.get("value") is not None:
            _value(to.value, _object(attribute["value"], f"{where} attribute {to.key!r}"), 0)


def _value(into: Any, value: Mapping[str, Any], depth: int) -> None:
    if depth > _DEEPEST:
        raise MalformedBody(f"attribute values nested deeper than {_DEEPEST}")
    for name, read in _READERS.items():
        if value.get(name) is not None:
            read(into, value[name], depth)
            return


def _text_value(into: Any, value: Any, _: int) -> None:
    if not isinstance(value, str):
        raise MalformedBody(f"stringValue is {_shown(value)}")
    into.string_value = value


def _bool_value(into: Any, value: Any, _: int) -> None:
    if not isinstance(value, bool):
        raise MalformedBody(f"boolValue is {_shown(value)}")
    into.bool_value = value


def _int_value(into: Any, value: Any, _: int) -> None:
    number = _integer(value, "intValue")
    if not -(2**63) <= number < 2**63:
        raise MalformedBody(f"intValue is {_shown(value)}: not a 64-bit number")
    into.int_value = number


def _double_value(into: Any, value: Any, _: int) -> None:
    try:
        into.double_value = float(value)
    except (TypeError, ValueError) as error:
        raise MalformedBody(f"doubleValue is {_shown(value)}") from error


def _bytes_value(into: Any, value: Any, _: int) -> None:
    try:
        into.bytes_value = base64.b64decode(value, validate=False)
    except (TypeError, ValueError) as error:
        raise MalformedBody(f"bytesValue is {_shown(value)}") from error


def _array_value(into: Any, value: Any, depth: int) -> None:
    into.array_value.SetInParent()
    for item in _list(_object(value, "arrayValue"), "values"):
        _value(into.array_value.values.add(), item, depth + 1)


def _kvlist_value(into: Any, value: Any, depth: int) -> None:
    into.kvlist_value.SetInParent()
    for item in _list(_object(value, "kvlistValue"), "values"):
        to = into.kvlist_value.values.add()
        to.key = _string(item, "key")
        if item.get("value") is not None:
            _value(to.value, _object(item["value"], "a value of kvlistValue"), depth + 1)


_READERS: dict[str, Callable[[Any, Any, int], None]] = {
    "stringValue": _text_value,
    "boolValue": _bool_value,
    "intValue": _int_value,
    "doubleValue": _double_value,
    "arrayValue": _array_value,
    "kvlistValue": _kvlist_value,
    "bytesValue": _bytes_value,
}


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedBody(f"{what} is {_shown(value)}: expected an object")
    return value


def _list(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    items = holder.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise MalformedBody(f"{name} is {_shown(items)}: expected a list")
    return [_object(item, f"an item of {name}") for item in items]


def _string(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedBody(f"{name} is {_shown(value)}: expected a string")
    return value


def _id(holder: Mapping[str, Any], name: str) -> bytes:
    """Return an id's bytes; what is no hex becomes bytes of a wrong length, so that its span alone is refused."""
    text = _string(holder, name)
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        wrong = text.encode("utf-8", "replace")[:64]
        return wrong + b"?" if len(wrong) in {8, 16} else wrong


def _unsigned(holder: Mapping[str, Any], name: str) -> int:
    value = holder.get(name)
    if value is None:
        return 0
    number = _integer(value, name)
    return number if 0 <= number < 2**64 else 0


def _integer(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise MalformedBody(f"{name} is {_shown(value)}: expected a whole number")
    try:
        return int(value)
    except (ValueError, OverflowError) as error:
        raise MalformedBody(f"{name} is {_shown(value)}: expected a whole number") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
