"""One trace → its header, its waterfall and the panel of the chosen span. Pure."""

from collections.abc import Callable

from django.http import QueryDict

from apps.analytics.rows import SpanRow, TraceDetail
from apps.traces.contexts import Fact, SpanLine, SpanPanel, TraceContext
from apps.traces.score_panel import ScoresCard
from apps.traces.tree import Node, arrange
from apps.traces.waterfall import Scale, bar_of, scale_of
from apps.ui.links import changed
from apps.ui.tones import icon_of, ink_of, tone_of
from ingestion.records import CostStatus, SpanStatus

__all__ = ["MOST_LINES", "chosen_span", "trace_page"]

MOST_LINES = 1_000
_MOST_INDENT = 16


def chosen_span(detail: TraceDetail, wanted: str) -> SpanRow | None:
    """The span that the address names; else the first that failed, else the first call of a model, else the first."""
    spans = detail.spans
    named = next((span for span in spans if span.span_id == wanted), None) if wanted else None
    if named is not None:
        return named
    failed = next((span for span in spans if span.status == SpanStatus.ERROR and span.kind == "llm"), None)
    root = next((span for span in spans if not span.parent_span_id), None)
    if root is not None and len(spans) > 1 and (root.input_preview or root.output_preview):
        return root
    return failed or next((span for span in spans if span.kind == "llm"), None) or (spans[0] if spans else None)


def trace_page(
    detail: TraceDetail,
    *,
    parameters: QueryDict,
    selected: str,
    panel: SpanPanel | None,
    scores: ScoresCard,
    list_path: str,
    user_href: Callable[[str], str],
    session_href: Callable[[str], str],
) -> TraceContext:
    """Return the page."""
    trace = detail.trace
    everything = parameters.get("rows") == "all"
    nodes = arrange(detail.spans)
    shown = nodes if everything else _bounded(nodes, detail, selected)
    scale = scale_of([(span.start, span.end) for span in detail.spans])
    return TraceContext(
        trace_id=trace.trace_id,
        name=trace.name or "unnamed",
        facts=tuple(_facts(detail, user_href=user_href, session_href=session_href)),
        tags=trace.tags,
        status=trace.status,
        status_tone=tone_of(trace.status),
        notes=_notes(detail, nodes),
        ticks=scale.ticks if scale else (),
        lines=tuple(_line(detail.spans[node.at], node, scale, parameters, selected) for node in shown),
        span_count=len(detail.spans) + detail.more,
        hidden=len(nodes) - len(shown) + detail.more,
        all_href="" if everything or len(shown) == len(nodes) else changed(parameters, {"rows": "all"}),
        panel=panel,
        scores=scores,
        list_href=list_path,
    )


def _bounded(nodes: tuple[Node, ...], detail: TraceDetail, selected: str) -> tuple[Node, ...]:
    """The first rows, and the chosen one wherever it is."""
    if len(nodes) <= MOST_LINES:
        return nodes
    rest = (node for node in nodes[MOST_LINES:] if detail.spans[node.at].span_id == selected)
    return (*nodes[:MOST_LINES], *rest)


def _line(span: SpanRow, node: Node, scale: Scale | None, parameters: QueryDict, selected: str) -> SpanLine:
    tokens = [number for number in (span.input_tokens, span.output_tokens) if number is not None]
    return SpanLine(
        span_id=span.span_id,
        href=changed(parameters, {"span": span.span_id, "view": None, "as": None}),
        selected=span.span_id == selected,
        name=span.name or "unnamed",
        kind=span.kind,
        icon=icon_of(span.kind),
        ink=ink_of(span.kind),
        depth=node.depth,
        indent=min(node.depth, _MOST_INDENT),
        children=node.children,
        status_tone=tone_of(span.status),
        status=span.status,
        model=span.model or span.model_requested,
        problem=node.problem,
        duration=span.duration,
        cost=span.cost_usd if span.cost_usd is not None else span.cost,
        unpriced=span.cost_status in {CostStatus.UNPRICED, CostStatus.NO_USAGE},
        tokens=sum(tokens) if tokens else None,
        bar=bar_of(scale, start=span.start, seconds=span.duration, ttft=span.ttft) if scale else None,
    )


def _facts(detail: TraceDetail, *, user_href: Callable[[str], str], session_href: Callable[[str], str]) -> list[Fact]:
    trace = detail.trace
    count = len(detail.spans) + detail.more
    facts = [
        Fact(label="Duration", value=trace.duration, kind="duration"),
        Fact(
            label="Cost",
            value=trace.cost if trace.cost or not trace.unpriced else None,
            kind="cost",
            tone="warn" if trace.unpriced else "",
            title="USD",
        ),
        Fact(label="Tokens", value=(trace.input_tokens, trace.output_tokens), kind="tokens"),
    ]
    if trace.ttft is not None:
        facts.append(Fact(label="First token", value=trace.ttft, kind="duration"))
    facts.append(Fact(label="Spans", value=f"{count:,}"))
    if trace.errors:
        facts.append(Fact(label="Failed", value=f"{trace.errors:,}", tone="error"))
    if trace.unpriced:
        facts.append(Fact(label="Unpriced", value=f"{trace.unpriced:,} of its calls", tone="warn"))
    if trace.models:
        facts.append(Fact(label="Models" if len(trace.models) > 1 else "Model", value=", ".join(trace.models[:4])))
    if trace.user_id:
        facts.append(Fact(label="User", value=trace.user_id, kind="link", href=user_href(trace.user_id)))
    if trace.session_id:
        facts.append(Fact(label="Session", value=trace.session_id, kind="link", href=session_href(trace.session_id)))
    if trace.environment:
        facts.append(Fact(label="Environment", value=trace.environment))
    if trace.release:
        facts.append(Fact(label="Release", value=trace.release))
    facts.append(Fact(label="Started", value=trace.start, kind="moment"))
    return facts


def _notes(detail: TraceDetail, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    notes = []
    if not detail.trace.has_root:
        notes.append("The root span has not arrived: it may still be running, or it was never sent.")
    odd = sum(1 for node in nodes if node.problem)
    if odd:
        notes.append(f"{odd:,} {'span has' if odd == 1 else 'spans have'} a parent that does not fit; they are marked.")
    moved = sum(1 for span in detail.spans if span.clock_adjusted)
    if moved:
        notes.append(f"The clock of {moved:,} {'span' if moved == 1 else 'spans'} was far off and was corrected.")
    if detail.more:
        notes.append(f"{detail.more:,} more spans are stored than one page reads.")
    return tuple(notes)
