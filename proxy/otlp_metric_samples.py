"""How many samples a metric holds: the records that the ledger counts. Pure; the rule is ingestion.metrics's.

A sample is one number of one data point. A gauge or sum point is one; a histogram point is its count, its sum if it
has one, and its buckets; a summary point is its count, its sum and its quantiles.
"""

from collections.abc import Callable, Mapping
from typing import Any

from proxy.protobuf_fields import Malformed, fields

__all__ = ["samples_in_json", "samples_in_protobuf"]


def samples_in_protobuf(body: bytes, start: int, end: int) -> int:
    """Count the samples of one Metric message."""
    found = kind = 0
    for field, wire, at, stop in fields(body, start, end):
        if field in _POINTS and wire == 2:
            if field != kind:  # of several kinds the last counts, as protobuf has it
                found, kind = 0, field
            found += sum(
                _POINTS[field](body, begin, finish)
                for inner, inner_wire, begin, finish in fields(body, at, stop)
                if inner == 1 and inner_wire == 2
            )
    return found


def _number(_body: bytes, _start: int, _end: int) -> int:
    return 1


def _histogram(body: bytes, start: int, end: int) -> int:
    found, total = 1, 0
    for field, wire, at, stop in fields(body, start, end):
        if field == 5 and wire == 1:
            total = 1
        elif field == 6:
            found += (stop - at) // 8
    return found + total


def _exponential(body: bytes, start: int, end: int) -> int:
    found, total = 2, 0
    for field, wire, at, stop in fields(body, start, end):
        if field == 5 and wire == 1:
            total = 1
        elif field in {8, 9} and wire == 2:
            for inner, inner_wire, begin, finish in fields(body, at, stop):
                if inner == 2:
                    found += sum(byte < 0x80 for byte in body[begin:finish]) if inner_wire == 2 else 1
    return found + total


def _summary(body: bytes, start: int, end: int) -> int:
    return 2 + sum(field == 6 and wire == 2 for field, wire, _, _ in fields(body, start, end))


_POINTS: Mapping[int, Callable[[bytes, int, int], int]] = {
    5: _number,
    7: _number,
    9: _histogram,
    10: _exponential,
    11: _summary,
}


def samples_in_json(metric: Any) -> int:
    """Count the samples of one metric of a JSON request."""
    if not isinstance(metric, dict):
        raise Malformed(f"each of metrics must be an object, found {type(metric).__name__}")
    return sum(
        _SIZES[kind](point)
        for kind in _SIZES
        if isinstance(held := metric.get(kind), dict)
        for point in _items(held, "dataPoints")
        if isinstance(point, dict)
    )


def _items(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


_SIZES: Mapping[str, Callable[[Any], int]] = {
    "gauge": lambda _point: 1,
    "sum": lambda _point: 1,
    "histogram": lambda point: 1 + (point.get("sum") is not None) + len(_items(point, "bucketCounts")),
    "exponentialHistogram": lambda point: (
        2
        + (point.get("sum") is not None)
        + sum(len(_items(point.get(side), "bucketCounts")) for side in ("positive", "negative"))
    ),
    "summary": lambda point: 2 + len(_items(point, "quantileValues")),
}
