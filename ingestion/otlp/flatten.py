"""Maps and lists of lists in OTLP attributes → JSON text; and masks over what a body says.

The engine's reader is not recursive, so bodies that hold such values (few do) are rewritten before it sees them: each
nested value becomes the string that a person would have written.
"""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from ingestion.envelope import CorruptFrame, read_varint
from ingestion.otlp.json_body import MalformedBody

__all__ = ["as_utf8", "flatten"]

_DEEPEST = 32


def flatten(otlp: bytes, *, mask: Callable[[str], str] = str) -> bytes:
    """Return the body with every nested attribute value replaced by its JSON text, and `mask` applied to every text.

    Raises MalformedBody for what is no such message.
    """
    try:
        data = TracesData.FromString(otlp)
    except DecodeError:  # some text is no UTF-8, which the engine does not mind and this library does
        try:
            data = TracesData.FromString(as_utf8(otlp))
        except (DecodeError, CorruptFrame) as error:
            raise MalformedBody(f"the body is no OTLP: {error}") from error
    for resource_spans in data.resource_spans:
        _flatten(resource_spans.resource.attributes, mask)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                _flatten(span.attributes, mask)
                span.status.message = mask(span.status.message)
                for event in span.events:
                    _flatten(event.attributes, mask)
    return bytes(data.SerializeToString())


def _flatten(attributes: Iterable[Any], mask: Callable[[str], str]) -> None:
    for attribute in attributes:
        value = attribute.value
        kind = value.WhichOneof("value")
        if kind == "string_value":
            value.string_value = mask(value.string_value)
        elif kind == "kvlist_value" or (kind == "array_value" and any(map(_is_nested, value.array_value.values))):
            value.string_value = mask(json.dumps(_plain(value, 0), ensure_ascii=False, separators=(",", ":")))
        elif kind == "array_value":
            for item in value.array_value.values:
                if item.WhichOneof("value") == "string_value":
                    item.string_value = mask(item.string_value)


def _is_nested(value: Any) -> bool:
    return value.WhichOneof("value") in {"array_value", "kvlist_value", "bytes_value"}


def _plain(value: Any, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if depth > _DEEPEST:
        return "…"
    if kind == "array_value":
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value, depth + 1) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def as_utf8(otlp: bytes) -> bytes:
    """Return a body in which every byte that is part of no UTF-8 text became `?`, one for one, so lengths stay true.

    Only texts are touched: ids, numbers and lengths are told apart by reading the body as the messages it is made of.
    """
    content = bytearray(otlp)
    _repair(content, 0, len(content), _TRACES)
    return bytes(content)


# Field number → what it is: "text", or the fields of the message that it holds.
_LEAF: dict[int, Any] = {1: "text"}
_ENTRY: dict[int, Any] = {1: "text", 2: _LEAF}
_LEAF |= {5: {1: _LEAF}, 6: {1: _ENTRY}}
_SCOPE = {1: "text", 2: "text", 3: _ENTRY}
_EVENT = {2: "text", 3: _ENTRY}
_SPAN = {3: "text", 5: "text", 9: _ENTRY, 11: _EVENT, 13: {3: "text", 4: _ENTRY}, 15: {2: "text"}}
_TRACES = {1: {1: {1: _ENTRY}, 2: {1: _SCOPE, 2: _SPAN, 3: "text"}, 3: "text"}}


def _repair(content: bytearray, position: int, end: int, fields: dict[int, Any]) -> None:
    while position < end:
        tag, position = read_varint(memoryview(content), position, end)
        match tag & 7:
            case 0:
                _, position = read_varint(memoryview(content), position, end)
            case 1:
                position += 8
            case 5:
                position += 4
            case 2:
                size, position = read_varint(memoryview(content), position, end)
                known = fields.get(tag >> 3)
                if known == "text":
                    content[position : position + size] = _replaced(bytes(content[position : position + size]))
                elif known is not None:
                    _repair(content, position, position + size, known)
                position += size
            case _:
                return


def _replaced(text: bytes) -> bytes:
    """Return the text with each byte that cannot be decoded as `?`."""
    escaped = text.decode("utf-8", "surrogateescape")
    return "".join("?" if "\udc80" <= char <= "\udcff" else char for char in escaped).encode()
