"""The rows that ingest writes, as types: one frozen dataclass a table, one attribute a column, in its order.

What the columns mean: docs/schema.md. Times are Unix nanoseconds here and become DateTime64 in the writer;
money is Decimal; unknown is None.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ingestion.drops import DropReason

__all__ = [
    "BILLED_BY_GATEWAY",
    "BILLED_BY_SDK",
    "CALL_KINDS",
    "REPEATED",
    "CostStatus",
    "Drop",
    "GpuSample",
    "ScoreRecord",
    "SpanKind",
    "SpanRecord",
    "SpanStatus",
]

# Why the second of two spans of one call bills nothing; the store's column `repeated` names the same reasons.
BILLED_BY_GATEWAY = "billed_by_gateway"
BILLED_BY_SDK = "billed_by_sdk"
REPEATED = frozenset({BILLED_BY_GATEWAY, BILLED_BY_SDK})


class SpanKind(StrEnum):
    """What a span does."""

    LLM = "llm"
    EMBEDDING = "embedding"
    TOOL = "tool"
    AGENT = "agent"
    WORKFLOW = "workflow"
    RETRIEVER = "retriever"
    RERANKER = "reranker"
    GUARDRAIL = "guardrail"
    EVALUATOR = "evaluator"
    MEMORY = "memory"
    PROMPT = "prompt"
    CHAIN = "chain"
    SPAN = "span"


CALL_KINDS = (SpanKind.LLM, SpanKind.EMBEDDING, SpanKind.RERANKER)  # requests to a model: what is billed and counted


class SpanStatus(StrEnum):
    """How a span ended."""

    OK = "ok"
    UNSET = "unset"
    ERROR = "error"
    CANCELLED = "cancelled"  # the client hung up
    INTERRUPTED = "interrupted"  # the gateway died while the exchange was in flight


class CostStatus(StrEnum):
    """Why `cost` is what it is. Only PRICED and FREE carry a number."""

    PRICED = "priced"
    FREE = "free"  # a price row says zero
    UNPRICED = "unpriced"  # no price row for this model at this time; `cost_reason` says what is missing
    NO_USAGE = "no_usage"  # billable, but nobody knows how much was used
    NOT_BILLABLE = (
        "not_billable"  # a tool, a chain, an aggregated parent, a failed call that the provider does not charge
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One finished span."""

    project_id: int
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    start_ns: int
    end_ns: int
    ttft_ns: int | None = None
    received_ns: int
    request_id: str = ""
    kind: SpanKind = SpanKind.SPAN
    name: str = ""
    source: str = ""
    convention: str = ""
    status: SpanStatus = SpanStatus.UNSET
    http_status: int = 0
    error_type: str = ""
    error_message: str = ""
    stream: bool = False
    finish_reason: str = ""
    provider: str = ""
    model_requested: str = ""
    model: str = ""
    response_id: str = ""
    user_id: str = ""
    session_id: str = ""
    session_name: str = ""
    trace_name: str = ""
    environment: str = ""
    release: str = ""
    service: str = ""
    tags: tuple[str, ...] = ()
    prompt_name: str = ""
    prompt_version: str = ""
    agent_name: str = ""
    tool_name: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    events: str = ""
    clock_adjusted: bool = False
    billable: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage: dict[str, Decimal] = field(default_factory=dict)
    usage_basis: str = "none"
    token_basis: str = ""
    usage_raw: str = ""
    cost: Decimal | None = None
    cost_currency: str = ""
    cost_usd: Decimal | None = None
    cost_details: dict[str, Decimal] = field(default_factory=dict)
    cost_status: CostStatus = CostStatus.NOT_BILLABLE
    cost_reason: str = ""
    price_id: str = ""
    reported_cost_usd: Decimal | None = None
    input_preview: str = ""
    output_preview: str = ""
    model_parameters: str = ""
    input: str = ""
    output: str = ""
    raw_request: str = ""
    raw_response: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    client_address: str = ""
    queue_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """One version of a judgement of a trace, a span or a session: of those with the same id the last updated counts."""

    project_id: int
    id: str
    trace_id: str = ""
    span_id: str = ""
    session_id: str = ""
    name: str
    data_type: str
    value: float | None = None
    text_value: str = ""
    source: str = "api"
    author: str = ""
    comment: str = ""
    evaluator: str = ""
    evaluator_version: str = ""
    environment: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    timestamp_ns: int
    received_ns: int
    updated_ns: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One measured value of one device or inference server."""

    project_id: int
    metric: str
    host: str
    device: str
    model: str = ""
    time_ns: int
    value: float
    unit: str = ""
    instrument: str = "gauge"
    start_ns: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Accepted records that will not be in the store."""

    project_id: int
    received_ns: int
    reason: DropReason
    signal: str
    records: int
    detail: str = ""
    position: str = ""
    sample: str = ""
