"""Recorded exchanges as envelopes, and what their records are expected to say."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingestion.envelope import Envelope, Exchange, Kind, Outcome
from ingestion.records import SpanRecord

FOLDER = Path(__file__).parents[2] / "exchanges"
NOW = 1_790_000_000_000_000_000  # 2026-09-21T14:13:20Z
ID = bytes.fromhex("0199ad8ac58070008899aabbccddeeff")
SSE = {"content-type": "text/event-stream"}
ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
SAY: dict[str, Any] = {
    "id": "c1",
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ho"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 1},
}
ANSWER = json.dumps(SAY).encode()


def cases() -> list[str]:
    """Return the name of every recorded exchange: provider/case."""
    return sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.glob("*/*/expected.json"))


def envelope(
    *,
    request: Any = None,
    response: bytes = b"",
    headers: dict[str, str] | None = None,
    response_headers: dict[str, str] | None = None,
    kind: Kind = Kind.CLOSE,
    **exchange: Any,
) -> Envelope:
    """Return a chat exchange, complete and good unless told otherwise."""
    body = request if isinstance(request, bytes) else b"" if request is None else json.dumps(request).encode()
    given: dict[str, Any] = {
        "provider": "openai",
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions",
        "request_headers": _pairs({"content-type": "application/json", **(headers or {})}),
        "request_body": body,
        "request_bytes": len(body),
        "status": 200,
        "response_headers": _pairs(response_headers or {"content-type": "application/json"}),
        "response_body": response,
        "response_bytes": len(response),
        "started_ns": NOW,
        "first_byte_after_ns": 100,
        "first_body_after_ns": 150,
        "ended_after_ns": 900,
        "outcome": Outcome.COMPLETE,
        "client_address": "10.0.0.9",
    }
    given.update(exchange)
    return Envelope(kind=kind, project_id=7, received_ns=NOW + 5, id=ID, records=1, exchange=Exchange(**given))


def load(case: str) -> tuple[Envelope, dict[str, Any]]:
    """Return the envelope of a recorded exchange and its expected record."""
    folder = FOLDER / case
    expected = json.loads((folder / "expected.json").read_text())
    stream = (folder / "response.sse").exists()
    request = folder / "request.json"
    exchange = dict(expected["exchange"])
    if "outcome" in exchange:
        exchange["outcome"] = Outcome[exchange["outcome"]]
    made = envelope(
        request=request.read_bytes() if request.exists() else None,
        response=(folder / ("response.sse" if stream else "response.json")).read_bytes(),
        response_headers={"content-type": "text/event-stream" if stream else "application/json"},
        **exchange,
    )
    return made, expected["record"]


def shown(record: SpanRecord, name: str) -> Any:
    """Return a field in the form in which expected.json writes it."""
    value = getattr(record, name)
    if name in {"input", "output", "model_parameters"} and value:
        return json.loads(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: str(inner) for key, inner in value.items()}
    return value


def _pairs(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


def note(record: SpanRecord) -> str:
    """Return what could not be read."""
    return record.attributes.get("spanmeter.note", "")
