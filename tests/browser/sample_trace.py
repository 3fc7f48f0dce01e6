"""Made-up traces: one call, an agent with tools, and everything that can be wrong with one."""

import json
from datetime import timedelta
from decimal import Decimal

from apps.analytics.rows import SpanRow, SpanText, TraceDetail
from tests.browser.sample import HOSTILE, NOW, trace_row

__all__ = ["detail_of", "gateway_text", "long_detail", "span_row", "span_text"]


def span_row(**changes: object) -> SpanRow:
    """One call of a model; any field may be replaced. `at` and `takes` (seconds) set its times."""
    at, takes = float(changes.pop("at", 0.0)), float(changes.pop("takes", 1.0))  # type: ignore[arg-type]
    start = NOW - timedelta(seconds=42) + timedelta(seconds=at)
    values: dict[str, object] = {
        "trace_id": "019ae3f0c0de7c1f8a2b3c4d5e6f7081",
        "span_id": "a1",
        "parent_span_id": "",
        "start": start,
        "end": start + timedelta(seconds=takes),
        "duration": takes,
        "ttft": None,
        "queue": None,
        "received_at": start,
        "request_id": "",
        "kind": "llm",
        "name": "chat claude-sonnet-4-5",
        "source": "otlp",
        "convention": "otel_genai",
        "status": "ok",
        "http_status": 0,
        "error_type": "",
        "error_message": "",
        "stream": False,
        "finish_reason": "",
        "provider": "anthropic",
        "model_requested": "claude-sonnet-4-5",
        "model": "claude-sonnet-4-5-20250929",
        "response_id": "msg_01Xk",
        "user_id": "user_4821",
        "session_id": "support-2f81c0",
        "session_name": "",
        "trace_name": "answer-support-question",
        "environment": "production",
        "release": "2026.11.3",
        "service": "support-bot",
        "tags": ("support", "beta"),
        "prompt_name": "",
        "prompt_version": "",
        "agent_name": "",
        "tool_name": "",
        "clock_adjusted": False,
        "billable": True,
        "input_tokens": 1840,
        "output_tokens": 212,
        "cache_read_tokens": 1024,
        "cache_write_tokens": None,
        "reasoning_tokens": None,
        "usage": {"input": Decimal(816), "cache_read": Decimal(1024), "output": Decimal(212)},
        "usage_basis": "provider",
        "token_basis": "exclusive",
        "cost": Decimal("0.0059352"),
        "cost_currency": "USD",
        "cost_usd": Decimal("0.0059352"),
        "cost_details": {
            "input": Decimal("0.002448"),
            "cache_read": Decimal("0.0003072"),
            "output": Decimal("0.00318"),
        },
        "cost_status": "priced",
        "cost_reason": "",
        "price_id": "genai-prices/anthropic/claude-sonnet-4-5@2025-09-29",
        "reported_cost_usd": None,
        "input_preview": "",
        "output_preview": "",
    }
    if changes.get("kind", "llm") not in {"llm", "embedding"}:
        values |= {
            "billable": False,
            "provider": "",
            "model": "",
            "model_requested": "",
            "response_id": "",
            "input_tokens": None,
            "output_tokens": None,
            "cache_read_tokens": None,
            "usage": {},
            "usage_basis": "none",
            "token_basis": "",
            "cost": None,
            "cost_usd": None,
            "cost_currency": "",
            "cost_details": {},
            "cost_status": "not_billable",
            "price_id": "",
        }
    values.update(changes)
    return SpanRow(**values)  # type: ignore[arg-type]


def span_text(span_id: str = "a1", **changes: object) -> SpanText:
    """The texts of one span; any field may be replaced."""
    values: dict[str, object] = {
        "span_id": span_id,
        "input": "",
        "output": "",
        "raw_request": "",
        "raw_response": "",
        "request_headers": {},
        "response_headers": {},
        "model_parameters": "",
        "attributes": {},
        "properties": {},
        "events": "",
        "usage_raw": "",
        "client_address": "",
    }
    values.update(changes)
    return SpanText(**values)  # type: ignore[arg-type]


_CHAT_IN = [
    {
        "role": "system",
        "parts": [
            {
                "type": "text",
                "content": "You answer billing questions of a software company. Be exact about dates and amounts; say so when the data does not tell.",  # noqa: E501
            }
        ],
    },
    {
        "role": "user",
        "parts": [
            {
                "type": "text",
                "content": "My invoice from October shows two charges for the same seat. Can you tell me which one is right?",  # noqa: E501
            }
        ],
    },
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "I need the invoice lines before I can say anything about the charges."},
            {
                "type": "tool_call",
                "id": "toolu_01A",
                "name": "get_invoice",
                "arguments": {"customer": "cus_4821", "month": "2026-10", "include": ["lines", "credits"]},
            },
        ],
    },
    {
        "role": "tool",
        "parts": [
            {
                "type": "tool_call_response",
                "id": "toolu_01A",
                "response": {
                    "invoice": "INV-20261031-118",
                    "currency": "USD",
                    "lines": [
                        {
                            "seat": "ana@example.com",
                            "workspace": "design",
                            "from": "2026-10-01",
                            "to": "2026-10-12",
                            "amount": "7.74",
                        },
                        {
                            "seat": "ana@example.com",
                            "workspace": "research",
                            "from": "2026-10-12",
                            "to": "2026-10-31",
                            "amount": "12.26",
                        },
                    ],
                },
            }
        ],
    },
]
_CHAT_OUT = [
    {
        "role": "assistant",
        "finish_reason": "stop",
        "parts": [
            {
                "type": "text",
                "content": "Both charges are right, and together they are one seat for one month.\n\nThe seat of ana@example.com moved from the workspace “design” to “research” on 12 October, so the invoice shows two parts:\n\n  1 to 12 October, design:    $7.74\n  12 to 31 October, research: $12.26\n\nThat adds up to $20.00, the price of one seat. Nothing was charged twice.",  # noqa: E501
            }
        ],
    },
]


def detail_of(size: str) -> TraceDetail | None:
    """One trace with its spans."""
    if size == "none":
        return None
    if size == "little":
        span = span_row(
            span_id="5d1f6c3a2b4e8f90",
            name="chat.completions",
            source="gateway",
            takes=1.42,
            ttft=0.31,
            stream=True,
            http_status=200,
            finish_reason="stop",
        )
        texts = {span.span_id: gateway_text(span.span_id)}
        return TraceDetail(
            trace=trace_row(spans=1, duration=1.42, name="chat.completions", tags=()),
            spans=(span,),
            more=0,
            texts=texts,
        )
    if size == "broken":
        return _broken()
    spans = (
        span_row(
            span_id="r0",
            kind="agent",
            name="support-agent",
            takes=4.37,
            agent_name="support-agent",
            input_preview="My invoice",
            output_preview="Both charges are right",
        ),
        span_row(
            span_id="e1",
            parent_span_id="r0",
            kind="embedding",
            name="embeddings text-embedding-3-small",
            at=0.02,
            takes=0.14,
            model="text-embedding-3-small",
            input_tokens=24,
            output_tokens=None,
            cost=Decimal("0.00000048"),
            cost_usd=Decimal("0.00000048"),
            provider="openai",
        ),
        span_row(span_id="v1", parent_span_id="r0", kind="retriever", name="search help-centre", at=0.17, takes=0.21),
        span_row(
            span_id="c1",
            parent_span_id="r0",
            name="chat claude-sonnet-4-5",
            at=0.4,
            takes=1.31,
            ttft=0.58,
            stream=True,
            finish_reason="tool_calls",
        ),
        span_row(
            span_id="t1",
            parent_span_id="r0",
            kind="tool",
            name="get_invoice",
            at=1.74,
            takes=0.46,
            tool_name="get_invoice",
        ),
        span_row(
            span_id="h1",
            parent_span_id="t1",
            kind="span",
            name="GET billing.internal/invoices",
            at=1.77,
            takes=0.12,
            status="error",
            error_type="TimeoutError",
            error_message="billing.internal: no answer within 100 ms",
        ),
        span_row(
            span_id="h2", parent_span_id="t1", kind="span", name="GET billing.internal/invoices", at=1.91, takes=0.27
        ),
        span_row(
            span_id="c2",
            parent_span_id="r0",
            name="chat claude-sonnet-4-5",
            at=2.22,
            takes=2.11,
            ttft=0.52,
            stream=True,
            finish_reason="stop",
            http_status=200,
            input_tokens=2956,
            output_tokens=400,
        ),
        span_row(span_id="g1", parent_span_id="r0", kind="guardrail", name="check-personal-data", at=4.33, takes=0.03),
    )
    conversation = {"input": json.dumps(_CHAT_IN), "output": json.dumps(_CHAT_OUT)}
    texts = {span.span_id: span_text(span.span_id) for span in spans}
    texts["r0"] = span_text(
        "r0",
        input=json.dumps(_CHAT_IN[1:2]),
        output=json.dumps(_CHAT_OUT),
        properties={"plan": "team", "region": "ap-south-1"},
    )
    texts["c2"] = span_text(
        "c2",
        **conversation,
        usage_raw='{"input_tokens":816,"cache_read_input_tokens":1024,"output_tokens":212}',
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "server.address": "api.anthropic.com",
        },
        events=json.dumps([{"name": "gen_ai.choice", "time": "2026-11-20T14:11:52Z", "attributes": {"index": 0}}]),
        model_parameters='{"temperature":0.2,"max_tokens":800}',
    )
    texts["c1"] = span_text("c1", input=json.dumps(_CHAT_IN[:2]), output=json.dumps(_CHAT_IN[2:3]))
    texts["t1"] = span_text(
        "t1",
        input='{"customer":"cus_4821","month":"2026-10"}',
        output=json.dumps(_CHAT_IN[3]["parts"][0]["response"]),  # type: ignore[index]
    )
    return TraceDetail(trace=trace_row(), spans=spans, more=0, texts=texts)


def gateway_text(span_id: str) -> SpanText:
    """What the gateway keeps of one exchange."""
    request = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Say hello."}]}
    return span_text(
        span_id,
        input=json.dumps(
            [
                {
                    "role": "user",
                    "parts": [
                        {"type": "text", "content": "Say hello."},
                        {"type": "uri", "modality": "image", "uri": "https://example.com/cat.png"},
                        {
                            "type": "blob",
                            "modality": "image",
                            "mime_type": "image/png",
                            "content": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",  # noqa: E501
                        },
                    ],
                }
            ]
        ),
        output=json.dumps(
            [
                {
                    "role": "assistant",
                    "finish_reason": "stop",
                    "parts": [{"type": "text", "content": "Hello! How can I help you today?"}],
                }
            ]
        ),
        raw_request=json.dumps(request),
        raw_response='data: {"choices":[{"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n',
        request_headers={
            "content-type": "application/json",
            "user-agent": "OpenAI/Python 2.8.0",
            "spanmeter-user-id": "ada",
        },
        response_headers={"content-type": "text/event-stream", "x-request-id": "req_011"},
        model_parameters='{"stream":true}',
        usage_raw='{"prompt_tokens":11,"completion_tokens":9}',
    )


def _broken() -> TraceDetail:
    """Hostile names, a circle, a missing parent, twin ids, no root, broken JSON, times that do not fit, unpriced."""
    spans = (
        span_row(
            span_id="x1",
            parent_span_id="gone",
            name=HOSTILE,
            kind="llm",
            status="error",
            error_type="APIError",
            error_message=HOSTILE + "\nat line 1\nat line 2",
            http_status=500,
            cost=None,
            cost_usd=None,
            cost_details={},
            cost_status="unpriced",
            cost_reason="no price for model 'sarvam-m-2027' at 2026-11-20",
            price_id="",
            model="sarvam-m-2027",
            usage_basis="estimated",
            takes=2.0,
        ),
        span_row(span_id="x2", parent_span_id="x3", name="circle one", kind="chain", at=0.5),
        span_row(span_id="x3", parent_span_id="x2", name="circle two", kind="chain", at=0.6),
        span_row(span_id="x4", parent_span_id="x1", name="twin", kind="tool", at=0.7),
        span_row(span_id="x4", parent_span_id="x1", name="twin again", kind="tool", at=0.8),
        span_row(
            span_id="x5",
            parent_span_id="x1",
            name="n" * 300,
            kind="unheard-of",
            at=-1.0,
            takes=0.0,
            clock_adjusted=True,
        ),
        span_row(
            span_id="x6",
            parent_span_id="x5",
            name="",
            status="interrupted",
            at=1,
            takes=0.2,
            usage_basis="provider_partial",
            reported_cost_usd=Decimal("0.009"),
        ),
    )
    texts = {span.span_id: span_text(span.span_id) for span in spans}
    texts["x1"] = span_text(
        "x1",
        input='[{"role": "user", "content": "cut off',
        output=json.dumps(
            {
                "choices": [
                    {
                        "message": {
                            "role": "assistant",
                            "content": HOSTILE,
                            "tool_calls": [{"id": "c1", "function": {"name": HOSTILE, "arguments": '{"not": json'}}],
                        }
                    }
                ]
            }
        ),
        raw_request='{"cut": "off',
        raw_response="\x00\x01 not text \ufffd",
        attributes={HOSTILE: HOSTILE, "long": "v" * 3000},
        properties={"k" * 80: HOSTILE},
        events="[broken",
        usage_raw="none",
    )
    return TraceDetail(
        trace=trace_row(
            name=HOSTILE,
            tags=(HOSTILE,),
            has_root=False,
            status="error",
            errors=1,
            unpriced=1,
            spans=7,
            user_id=HOSTILE,
            session_id=HOSTILE,
        ),
        spans=spans,
        more=120,
        texts=texts,
    )


def long_detail(count: int = 5000) -> TraceDetail:
    """A trace of very many spans, deep and wide."""
    spans = [span_row(span_id="s0", kind="agent", name="batch", takes=60.0)]
    for index in range(1, count):
        parent = f"s{(index - 1) // 5 if index % 3 else index - 1}"
        kind = ("llm", "tool", "chain")[index % 3]
        spans.append(
            span_row(
                span_id=f"s{index}", parent_span_id=parent, name=f"step {index}", kind=kind, at=index * 0.01, takes=0.4
            )
        )
    return TraceDetail(
        trace=trace_row(spans=count, name="batch"), spans=tuple(spans), more=0, texts={"s0": span_text("s0")}
    )
