"""What a provider reader is given and what it returns. Readers are pure: bytes and JSON in, a Reading out.

A reader never prices, never sees the clock, never fails on a wrong shape: what it cannot read it says in a note.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from ingestion.messages import Message
from ingestion.records import SpanKind
from ingestion.usage import Usage

__all__ = ["Answer", "Provider", "Reading", "is_event_stream"]


def is_event_stream(content_type: str, body: bytes) -> bool:
    """Tell whether a body is an event stream: by its type, or by its beginning when no type was given."""
    if "text/event-stream" in content_type:
        return True
    return not content_type and body[:6] in {b"data: ", b"event:"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The provider's answer as bytes, without its content coding."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # the body's end is missing: the capture bound, a broken connection, a client that left
    # What follows a gap of the capture and is not in the body: the rest of the event that the gap ended in, or the end
    # of a JSON document.
    fragment: bytes = b""

    @property
    def is_stream(self) -> bool:
        """Tell whether the body is an event stream."""
        return is_event_stream(self.content_type, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one exchange meant. Unknown is empty or None, never a guess."""

    kind: SpanKind = SpanKind.LLM
    operation: str = ""  # OpenTelemetry's gen_ai.operation.name where it has one
    billable: bool = True
    not_billable_reason: str = ""
    model_requested: str = ""
    model: str = ""
    response_id: str = ""
    stream: bool = False
    finish_reason: str = ""
    error_type: str = ""
    error_message: str = ""
    usage: Usage = field(default_factory=Usage)
    usage_complete: bool = True  # False: the stream broke before the provider's last word on usage
    estimable: bool = True  # False: what was seen is not what was billed (background work, a cut capture)
    inputs: list[Message] = field(default_factory=list)
    outputs: list[Message] = field(default_factory=list)
    model_parameters: dict[str, Any] = field(default_factory=dict)
    tools: list[Any] = field(default_factory=list)
    first_token_offset: int | None = None  # decoded body bytes up to the end of the first generated token's event
    user: str = ""
    session: str = ""
    service_tier: str = ""
    reported_cost: Decimal | None = None  # in US dollars
    queue_seconds: Decimal | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Provider(Protocol):
    """A reader of one API shape. One module, one registry line, one folder of recorded exchanges."""

    name: str  # stored as the span's `convention`

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """Tell whether this reader knows the call. `path` has no query; `provider` is the route's name."""
        ...

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read one exchange. `request` is the request's JSON, or None."""
        ...
