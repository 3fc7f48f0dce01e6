"""What a demo program gets: a client of the gateway, and a place to put what it wants to be looked at."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from openai import OpenAI

__all__ = ["Desk", "Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One trace worth a look."""

    trace_id: str
    what: str


@dataclass(slots=True)
class Desk:
    """Where the programs work."""

    gateway_url: str
    key: str
    model: str
    folder: Path  # for what a program keeps
    shown: list[Shown] = field(default_factory=list)

    def client(self) -> OpenAI:
        """Return the openai SDK as it is, with one thing changed: the base URL."""
        return OpenAI(base_url=f"{self.gateway_url}/k/{self.key}/local/v1", api_key="no-key-needed", max_retries=0)

    def show(self, what: str) -> str:
        """Announce a trace and return its id."""
        trace_id = secrets.token_hex(16)
        self.shown.append(Shown(trace_id, what))
        return trace_id

    def note(self, what: str, trace_id: str) -> None:
        """Announce a trace that has an id already."""
        self.shown.append(Shown(trace_id, what))

    def send_spans(self, spans: list[Mapping[str, object]], *, service: str) -> None:
        """Send spans of the program's own as OTLP/JSON, as any OpenTelemetry exporter would."""
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "demo"}, "spans": spans}]}]}
        headers = {"Authorization": f"Bearer {self.key}"}
        httpx.post(f"{self.gateway_url}/v1/traces", json=body, headers=headers, timeout=30).raise_for_status()
