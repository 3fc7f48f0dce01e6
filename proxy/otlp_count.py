"""Counting the records of an OTLP request without decoding it. Pure; no protobuf library.

In all three signals a request is resources (field 1), each with scopes (field 2), each with records (field 2), so
three nested loops over tags and lengths tell how many there are and that the framing holds. What is inside a record
is ingest's business; only a metric is looked into, because its records are the numbers in it.
"""

from collections.abc import Callable
from typing import Any

import orjson

from proxy.otlp_metric_samples import samples_in_json, samples_in_protobuf
from proxy.protobuf_fields import Malformed, varint

__all__ = ["JSON_NAMES", "Malformed", "count_json", "count_protobuf"]

JSON_NAMES = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}
_PATH = (1, 2, 2)


def count_protobuf(body: bytes, signal: str = "traces") -> int:
    """Return the number of records in a protobuf request."""
    return _count(body, 0, len(body), 0, samples_in_protobuf if signal == "metrics" else _one)


def _one(_body: bytes, _start: int, _end: int) -> int:
    return 1


def _count(body: bytes, position: int, end: int, depth: int, leaf: Callable[[bytes, int, int], int]) -> int:
    wanted = _PATH[depth] << 3 | 2
    found = 0
    while position < end:
        tag, position = varint(body, position, end)
        wire = tag & 7
        if wire == 2:
            size, position = varint(body, position, end)
            stop = position + size
            if stop > end:
                raise Malformed(f"a field at byte {position} claims {size} bytes where {end - position} are left")
            if tag == wanted:
                found += leaf(body, position, stop) if depth == 2 else _count(body, position, stop, depth + 1, leaf)
            position = stop
        elif wire == 0:
            _, position = varint(body, position, end)
        elif wire == 1:
            position += 8
        elif wire == 5:
            position += 4
        else:
            raise Malformed(f"byte {position} is not the start of a protobuf field")
        if tag >> 3 == 0:
            raise Malformed(f"field number 0 before byte {position}")
        if tag >> 3 == _PATH[depth] and wire != 2:
            raise Malformed(f"field {tag >> 3} before byte {position} is a number where a message belongs")
    if position != end:
        raise Malformed("the last field is cut off")
    return found


def count_json(body: bytes, signal: str) -> int:
    """Return the number of records in a JSON request."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"expected a JSON object, found {type(document).__name__}")
    resources, scopes, records = JSON_NAMES[signal]
    count = _samples if signal == "metrics" else len
    return sum(
        count(_list(scope, records))
        for resource in _list(document, resources)
        for scope in _list(_object(resource, resources), scopes)
        if _object(scope, scopes) is scope
    )


def _samples(metrics: list[Any]) -> int:
    return sum(map(samples_in_json, metrics))


def _list(container: dict[str, Any], name: str) -> list[Any]:
    found = container.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Malformed(f"{name} must be a list, found {type(found).__name__}")
    return found


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"each of {name} must be an object, found {type(value).__name__}")
    return value
