"""Spans as an exporter would send them, in OTLP/JSON, from a few plain values."""

import json
import secrets
import time
from typing import Any

__all__ = ["body", "span"]


def any_value(value: Any) -> dict[str, Any]:
    """One value in OTLP/JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {"stringValue": value}


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    """A key-value list in OTLP/JSON."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def span(*, attributes: dict[str, Any] | None = None, events: Any = (), **fields: Any) -> dict[str, Any]:
    """One span; `fields` replace what it would have."""
    now = time.time_ns()
    return {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(now - 1_000_000_000),
        "endTimeUnixNano": str(now),
        "attributes": pairs(attributes or {}),
        "events": [
            {"name": e["name"], "timeUnixNano": str(now), "attributes": pairs(e.get("attributes", {}))} for e in events
        ],
        **fields,
    }


def body(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> bytes:
    """An ExportTraceServiceRequest."""
    scope = {"scope": {"name": "tests", "version": "1"}, "spans": list(spans)}
    held = {"resource": {"attributes": pairs(resource or {})}, "scopeSpans": [scope]}
    return json.dumps({"resourceSpans": [held]}).encode()
