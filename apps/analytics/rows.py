"""What lists and trace pages get: one frozen value a row. Durations in seconds, money in dollars, unknown is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

__all__ = ["SpanPage", "SpanRow", "SpanText", "TraceDetail", "TracePage", "TraceRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One trace as a list shows it. `cost` is what is known of it; `unpriced` says how many calls are not in it.

    `models`: those that answered, and of a call that was not answered the one that was asked for.
    """

    trace_id: str
    name: str
    start: datetime
    end: datetime
    duration: float
    status: str
    error_message: str
    has_root: bool
    spans: int
    errors: int
    calls: int
    models: tuple[str, ...]
    providers: tuple[str, ...]
    sources: tuple[str, ...]
    environment: str
    release: str
    user_id: str
    session_id: str
    tags: tuple[str, ...]
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    unpriced: int
    ttft: float | None
    input_preview: str
    output_preview: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePage:
    """Newest first. When the search took too long, `complete` is False and `next` goes on where it stopped, at
    `searched_to`.
    """

    rows: tuple[TraceRow, ...]
    next: str | None
    searched_to: datetime
    complete: bool
    text_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """One span without its texts."""

    trace_id: str
    span_id: str
    parent_span_id: str
    start: datetime
    end: datetime
    duration: float
    ttft: float | None
    queue: float | None
    received_at: datetime
    request_id: str
    kind: str
    name: str
    source: str
    convention: str
    status: str
    http_status: int
    error_type: str
    error_message: str
    stream: bool
    finish_reason: str
    provider: str
    model_requested: str
    model: str
    response_id: str
    user_id: str
    session_id: str
    session_name: str
    trace_name: str
    environment: str
    release: str
    service: str
    tags: tuple[str, ...]
    prompt_name: str
    prompt_version: str
    agent_name: str
    tool_name: str
    clock_adjusted: bool
    billable: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    usage: Mapping[str, Decimal]
    usage_basis: str
    token_basis: str
    cost: Decimal | None
    cost_currency: str
    cost_usd: Decimal | None
    cost_details: Mapping[str, Decimal]
    cost_status: str
    cost_reason: str
    price_id: str
    reported_cost_usd: Decimal | None
    input_preview: str
    output_preview: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanText:
    """What is read only when somebody looks at the span."""

    span_id: str
    input: str
    output: str
    raw_request: str
    raw_response: str
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]
    model_parameters: str
    attributes: Mapping[str, str]
    properties: Mapping[str, str]
    events: str
    usage_raw: str
    client_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPage:
    """Newest first; see TracePage."""

    rows: tuple[SpanRow, ...]
    next: str | None
    searched_to: datetime
    complete: bool
    text_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDetail:
    """One trace: its spans in the order they started. `more` counts those beyond the bound; `texts` is empty for a long
    trace.
    """

    trace: TraceRow
    spans: tuple[SpanRow, ...]
    more: int
    texts: Mapping[str, SpanText]
