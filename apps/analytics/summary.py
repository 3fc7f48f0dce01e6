"""What a trace amounts to, from its spans at hand: the same rule as sql/traces.py, which does it for lists. A test
holds them together. Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from apps.analytics.rows import SpanRow, TraceRow
from ingestion.records import CALL_KINDS, REPEATED

__all__ = ["trace_of"]

_GOOD = frozenset({"ok", "unset"})


def trace_of(spans: Sequence[SpanRow]) -> TraceRow:
    """Summarise all spans of one trace; there is at least one."""
    ordered = sorted(spans, key=_first)
    head = ordered[0]
    has_root = head.parent_span_id == ""
    billable = [span for span in spans if span.billable]
    priced = [span.cost_usd for span in billable if span.cost_usd is not None]
    errors = sum(span.status not in _GOOD for span in spans)
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    measured = sorted((span.start, span.ttft) for span in spans if span.ttft is not None)
    said = max((span for span in spans if span.output_preview), key=_last, default=None)
    return TraceRow(
        trace_id=head.trace_id,
        name=head.name if has_root or not head.trace_name else head.trace_name,
        start=start,
        end=end,
        duration=(end - start).total_seconds(),
        status=head.status if has_root else ("error" if errors else "unset"),
        error_message=_some(span.error_message for span in ordered),
        has_root=has_root,
        spans=len(spans),
        errors=errors,
        calls=sum(span.kind in CALL_KINDS and span.cost_reason not in REPEATED for span in spans),
        models=_distinct((span.model or span.model_requested for span in spans), 12),
        providers=_distinct((span.provider for span in spans), 12),
        sources=_distinct((span.source for span in spans), 4),
        environment=_some(span.environment for span in ordered),
        release=_some(span.release for span in ordered),
        user_id=_some(span.user_id for span in ordered),
        session_id=_some(span.session_id for span in ordered),
        tags=_distinct((tag for span in spans for tag in span.tags), 20),
        input_tokens=_sum(span.input_tokens for span in billable),
        output_tokens=_sum(span.output_tokens for span in billable),
        cost=sum(priced, Decimal(0)) if priced or not billable else None,
        unpriced=len(billable) - len(priced),
        ttft=measured[0][1] if measured else None,
        input_preview=_some(span.input_preview for span in ordered),
        output_preview=said.output_preview if said else "",
    )


def _first(span: SpanRow) -> tuple[bool, datetime]:
    return span.parent_span_id != "", span.start


def _last(span: SpanRow) -> tuple[bool, datetime]:
    return span.parent_span_id == "", span.end


def _some(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _distinct(values: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value})[:most])


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
