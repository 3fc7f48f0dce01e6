"""Which tone a status has, and which ink and drawing a kind of span: one table each, for every page."""

from ingestion.records import SpanKind, SpanStatus

__all__ = ["icon_of", "ink_of", "tone_of"]

_TONES = {
    SpanStatus.OK: "ok",
    SpanStatus.UNSET: "",
    SpanStatus.ERROR: "error",
    SpanStatus.CANCELLED: "info",
    SpanStatus.INTERRUPTED: "warn",
}
_INKS = {
    SpanKind.LLM: "series-1",
    SpanKind.EMBEDDING: "series-6",
    SpanKind.TOOL: "series-2",
    SpanKind.AGENT: "series-3",
    SpanKind.WORKFLOW: "series-3",
    SpanKind.RETRIEVER: "series-4",
    SpanKind.RERANKER: "series-4",
    SpanKind.GUARDRAIL: "series-5",
    SpanKind.EVALUATOR: "series-5",
    SpanKind.MEMORY: "series-7",
    SpanKind.PROMPT: "series-7",
    SpanKind.CHAIN: "series-8",
}
_ICONS = {
    SpanKind.LLM: "llm",
    SpanKind.EMBEDDING: "embedding",
    SpanKind.TOOL: "tool",
    SpanKind.AGENT: "agent",
    SpanKind.WORKFLOW: "agent",
    SpanKind.RETRIEVER: "retriever",
    SpanKind.RERANKER: "retriever",
    SpanKind.MEMORY: "retriever",
    SpanKind.CHAIN: "chain",
}


def tone_of(status: str) -> str:
    """The class of a badge or dot; nothing for what is neither good nor bad, or not known here."""
    return _TONES.get(status, "")  # type: ignore[call-overload]


def ink_of(kind: str) -> str:
    """The CSS token of a kind."""
    return _INKS.get(kind, "series-8")  # type: ignore[call-overload]


def icon_of(kind: str) -> str:
    """The drawing of a kind."""
    return _ICONS.get(kind, "span")  # type: ignore[call-overload]
