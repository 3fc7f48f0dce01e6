"""One span → everything that its panel shows. Pure; only what the chosen view needs is worked out."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from apps.analytics.gpu_moment import ServedMoment
from apps.analytics.rows import SpanRow, SpanText
from apps.traces.contexts import BucketLine, Fact, JsonBlock, SpanPanel
from apps.traces.conversation import read_conversation
from apps.ui.format import duration_text, percent_text
from apps.ui.links import Choice, changed
from apps.ui.tones import icon_of, ink_of, tone_of
from ingestion.records import CostStatus, SpanKind, SpanStatus
from ingestion.usage import INPUT_BUCKETS, OUTPUT_BUCKETS, Basis, TokenBasis

__all__ = ["VIEWS", "PriceNote", "span_panel"]

VIEWS = {"conversation": "Conversation", "cost": "Usage and cost", "raw": "Raw", "attributes": "Attributes"}
_CHAT_KINDS = {SpanKind.LLM, SpanKind.EMBEDDING, SpanKind.AGENT, SpanKind.PROMPT}
_MOST_TEXT = 300_000
_DISAGREEMENT = Decimal("0.05")
_TOKEN_BUCKETS = INPUT_BUCKETS | OUTPUT_BUCKETS
_UNITS = {"characters": "characters", "seconds": "seconds", "pages": "pages", "images": "images"}
_BASIS = {
    Basis.PROVIDER: "Counted by the provider.",
    Basis.PROVIDER_PARTIAL: "Counted by the provider up to where the stream broke.",
    Basis.ESTIMATED: "Estimated by counting the text: the provider reported none.",
    Basis.NONE: "Nobody reported how much was used.",
}
_TOKEN_BASIS = {
    TokenBasis.INCLUSIVE: "The source's input count included cached tokens; they were taken out of it.",
    TokenBasis.EXCLUSIVE: "The source's input count was without cached tokens.",
    TokenBasis.INFERRED: "Whether the source's input count included cached tokens was inferred from the numbers.",
}
_STATUS_NOTES = {
    SpanStatus.CANCELLED: "The client hung up before the answer was complete.",
    SpanStatus.INTERRUPTED: "The gateway stopped while this call was in flight; its answer is not known.",
}


class PriceNote(tuple[str, str]):
    """(what is known of a price row in words, address of its source)."""

    __slots__ = ()


def span_panel(
    span: SpanRow,
    text: SpanText,
    *,
    parameters: QueryDict,
    price: PriceNote | None = None,
    served: ServedMoment | None = None,
) -> SpanPanel:
    """Return the panel; `view` and `as` in the address say what of it."""
    chosen = parameters.get("view", "")
    view = chosen if chosen in VIEWS else _first_view(span, text)
    pretty = parameters.get("as") != "sent"
    conversation = None
    if view == "conversation":
        conversation = read_conversation(text.input, text.output, chat=span.kind in _CHAT_KINDS)
    reported, disagreement = span.reported_cost_usd, None
    if reported is not None and span.cost_usd:
        gap = abs(reported - span.cost_usd) / span.cost_usd
        disagreement = float(gap) if gap > _DISAGREEMENT else None
    return SpanPanel(
        span_id=span.span_id,
        name=span.name or "unnamed",
        kind=span.kind,
        icon=icon_of(span.kind),
        ink=ink_of(span.kind),
        status=span.status,
        status_tone=tone_of(span.status),
        error_type=span.error_type,
        error_message=span.error_message,
        http_status=span.http_status,
        facts=tuple(_facts(span)),
        views=tuple(
            Choice(label, changed(parameters, {"span": span.span_id, "view": name, "as": None}), current=name == view)
            for name, label in VIEWS.items()
        ),
        view=view,
        conversation=conversation,
        blocks=_blocks(view, text),
        pretty=pretty,
        pretty_choices=tuple(
            Choice(label, changed(parameters, {"span": span.span_id, "view": "raw", "as": value}), current=current)
            for label, value, current in (("Indented", None, pretty), ("As sent", "sent", not pretty))
        ),
        headers=_header_tables(text) if view == "raw" else (),
        pairs=_pairs(span, text) if view == "attributes" else (),
        buckets=_buckets(span),
        cost=span.cost,
        currency=span.cost_currency or "USD",
        cost_usd=span.cost_usd,
        cost_status=span.cost_status,
        cost_reason=span.cost_reason or _cost_words(span.cost_status),
        usage_basis=span.usage_basis,
        basis_text=_BASIS.get(span.usage_basis, ""),  # type: ignore[call-overload]
        token_basis=_TOKEN_BASIS.get(span.token_basis, ""),  # type: ignore[call-overload]
        price_id=span.price_id,
        price_note=price[0] if price else "",
        price_href=price[1] if price else "",
        reported_usd=reported,
        disagreement=disagreement,
        events=_events(text.events) if view == "attributes" else (),
        notes=_notes(span),
        served=served,
    )


def _first_view(span: SpanRow, text: SpanText) -> str:
    return "conversation" if text.input or text.output or span.kind in _CHAT_KINDS else "attributes"


def _facts(span: SpanRow) -> list[Fact]:
    facts: list[Fact] = []
    if span.model or span.model_requested:
        other = span.model_requested if span.model and span.model_requested != span.model else ""
        facts.append(
            Fact(label="Model", value=span.model or span.model_requested, title=f"asked for {other}" if other else "")
        )
    facts.append(Fact(label="Duration", value=span.duration, kind="duration"))
    if span.ttft is not None:
        facts.append(Fact(label="First token", value=span.ttft, kind="duration"))
        pace = (span.duration - span.ttft) or 0
        if span.output_tokens and pace > 0.001:
            facts.append(
                Fact(
                    label="Pace",
                    value=f"{span.output_tokens / pace:,.0f} tokens/s",
                    title="output tokens a second, after the first",
                )
            )
    if span.queue is not None:
        facts.append(Fact(label="Queued", value=span.queue, kind="duration"))
    if span.input_tokens is not None or span.output_tokens is not None:
        tone = "warn" if span.usage_basis != Basis.PROVIDER else ""
        facts.append(
            Fact(
                label="Tokens",
                value=(span.input_tokens, span.output_tokens),
                kind="tokens",
                tone=tone,
                title=span.usage_basis,
            )
        )
    if span.cost_status != CostStatus.NOT_BILLABLE:
        unpriced = span.cost_status in {CostStatus.UNPRICED, CostStatus.NO_USAGE}
        facts.append(
            Fact(
                label="Cost",
                value=None if unpriced else span.cost,
                kind="cost",
                tone="warn" if unpriced else "",
                title=span.cost_currency or "USD",
            )
        )
    if span.finish_reason:
        facts.append(
            Fact(
                label="Finished",
                value=span.finish_reason,
                tone="warn" if span.finish_reason in {"length", "max_tokens", "content_filter"} else "",
            )
        )
    if span.http_status:
        facts.append(Fact(label="HTTP", value=str(span.http_status), tone="error" if span.http_status >= 400 else ""))
    facts.append(Fact(label="Started", value=span.start, kind="moment"))
    return facts


def _cost_words(status: str) -> str:
    return {
        CostStatus.NO_USAGE: "Billable, but nobody reported how much was used.",
        CostStatus.UNPRICED: "No price row for this model at this time.",
        CostStatus.NOT_BILLABLE: "Not billed by itself: only calls of models are.",
        CostStatus.FREE: "A price row says that this is free.",
    }.get(status, "")  # type: ignore[call-overload]


def _buckets(span: SpanRow) -> tuple[BucketLine, ...]:
    lines = []
    for name, quantity in span.usage.items():
        cost = span.cost_details.get(name)
        tokens = name in _TOKEN_BUCKETS
        scale = 1_000_000 if tokens else 1
        lines.append(
            BucketLine(
                name=name.replace("_", " "),
                quantity=quantity,
                unit="tokens" if tokens else _UNITS.get(name, ""),
                cost=cost,
                price=(cost / quantity * scale).quantize(Decimal("0.000001"))
                if cost is not None and quantity
                else None,
                price_unit="per 1M tokens" if tokens else "each",
            )
        )
    return tuple(lines)


def _blocks(view: str, text: SpanText) -> tuple[JsonBlock, ...]:
    if view == "raw":
        wanted = (
            ("raw-request", "Request body", text.raw_request),
            ("raw-response", "Response body", text.raw_response),
        )
    elif view == "cost":
        wanted = (("usage-raw", "Usage in the provider's words", text.usage_raw), ("", "", ""))
    elif view == "attributes":
        wanted = (("model-parameters", "Model parameters", text.model_parameters), ("", "", ""))
    else:
        return ()
    return tuple(_block(block_id, title, content) for block_id, title, content in wanted if content)


def _block(block_id: str, title: str, content: str) -> JsonBlock:
    if len(content) > _MOST_TEXT:
        title = f"{title}: the first {_MOST_TEXT:,} of {len(content):,} characters"
    return JsonBlock(id=block_id, title=title, text=content[:_MOST_TEXT], is_json=content.lstrip()[:1] in {"{", "["})


def _header_tables(text: SpanText) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    tables = (("Request headers", text.request_headers), ("Response headers", text.response_headers))
    return tuple((title, _sorted(headers)) for title, headers in tables if headers)


def _pairs(span: SpanRow, text: SpanText) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    told = (
        ("span id", span.span_id),
        ("parent span id", span.parent_span_id),
        ("request id", span.request_id),
        ("response id", span.response_id),
        ("provider", span.provider),
        ("model requested", span.model_requested),
        ("source", span.source),
        ("convention", span.convention),
        ("service", span.service),
        ("environment", span.environment),
        ("release", span.release),
        ("agent", span.agent_name),
        ("tool", span.tool_name),
        ("prompt", " ".join(part for part in (span.prompt_name, span.prompt_version) if part)),
        ("streamed", "yes" if span.stream else ""),
        ("received", span.received_at.isoformat() if span.received_at else ""),
    )
    groups = (
        ("Properties", _sorted(text.properties)),
        ("Span", tuple((name, str(value)) for name, value in told if value)),
        ("Attributes", _sorted(text.attributes)),
    )
    return tuple((title, pairs) for title, pairs in groups if pairs)


def _sorted(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value if len(value) <= 20_000 else f"{value[:20_000]}…") for name, value in sorted(values.items())
    )


def _events(text: str) -> tuple[tuple[str, str, str], ...]:
    """(name, time, attributes as JSON); a text that is no list of events is one event without a name."""
    if not text:
        return ()
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return (("unreadable events", "", text[:20_000]),)
    found = []
    for event in value if isinstance(value, list) else [value]:
        if not isinstance(event, dict):
            found.append(("event", "", json.dumps(event, ensure_ascii=False)))
            continue
        rest = {key: item for key, item in event.items() if key not in {"name", "time", "attributes"}}
        body = event.get("attributes") or rest
        found.append(
            (
                str(event.get("name") or "event"),
                str(event.get("time") or ""),
                json.dumps(body, ensure_ascii=False) if body else "",
            )
        )
    return tuple(found)


def _notes(span: SpanRow) -> tuple[str, ...]:
    notes = []
    if span.status in _STATUS_NOTES:
        notes.append(_STATUS_NOTES[SpanStatus(span.status)])
    if span.clock_adjusted:
        notes.append("The sender's clock was far off; times were moved to when the span was received.")
    if span.usage_basis == Basis.PROVIDER_PARTIAL:
        notes.append(_BASIS[Basis.PROVIDER_PARTIAL])
    if span.end < span.start:
        notes.append(f"It ends {duration_text((span.start - span.end).total_seconds())} before it starts.")
    if span.reported_cost_usd is not None and span.cost_usd:
        gap = abs(span.reported_cost_usd - span.cost_usd) / span.cost_usd
        if gap > _DISAGREEMENT:
            notes.append(f"The cost that was reported differs from the computed one by {percent_text(gap)}.")
    return tuple(notes)
