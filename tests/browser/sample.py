"""Made-up answers of apps.analytics, the same at every run: what the pages and screenshots are tried with.

Four sizes: none, little, much, broken. Nothing here reads a clock; `NOW` is when it is.
"""

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.analytics.facets import Facets
from apps.analytics.ledger import DropCount, DropPage, DropRow, Ledger, LedgerDay
from apps.analytics.people import PeoplePage, PeopleRow
from apps.analytics.plan import Width
from apps.analytics.query import TimeRange
from apps.analytics.result import Bucket, ModelRow, ModelSeries, Numbers, Overview
from apps.analytics.rows import TracePage, TraceRow

NOW = datetime(2026, 11, 20, 14, 12, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
SIZES = ("none", "little", "much", "broken")
FACETS = Facets(
    models=("claude-sonnet-4-5", "gpt-4o-mini", "smollm2-135m", "text-embedding-3-small"),
    providers=("anthropic", "openai", "smollm"),
    environments=("production", "staging"),
    kinds=("llm", "tool", "agent"),
    sources=("gateway", "otlp"),
)
_MODELS = (
    ("claude-sonnet-4-5-20250929", "anthropic", 0.0124, 2.9, 0.62, 60),
    ("gpt-4o-2024-11-20", "openai", 0.0088, 2.1, 0.48, 44),
    ("gpt-4o-mini-2024-07-18", "openai", 0.00041, 1.2, 0.31, 210),
    ("claude-haiku-4-5", "anthropic", 0.0011, 0.9, 0.22, 130),
    ("llama-3.3-70b-versatile", "groq", 0.00052, 0.6, 0.11, 80),
    ("text-embedding-3-small", "openai", 0.0000021, 0.14, None, 320),
    ("gemini-2.5-flash", "gemini", 0.00033, 1.0, 0.28, 28),
    ("mistral-large-2411", "mistral", 0.0042, 2.4, 0.5, 9),
    ("sarvam-m", "sarvam", None, 1.7, 0.44, 31),
)


def overview_of(size: str) -> Overview:
    """Twenty-four hours by the half hour; the last bucket lies in the future."""
    chance = random.Random(7)
    start = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
    starts = [start + timedelta(minutes=30 * index) for index in range(48)]
    models = {"none": (), "little": _MODELS[2:3], "much": _MODELS, "broken": _MODELS[-1:]}[size]
    series: list[dict[str, Numbers]] = []
    for at in starts:
        day = 0.55 + 0.45 * math.sin((at.hour + at.minute / 60 - 8) / 24 * 2 * math.pi)
        row = {}
        for name, _, price, latency, ttft, weight in models:
            requests = int(weight * day * chance.uniform(0.7, 1.3))
            if size == "little":
                requests = 1 if at.hour == 9 else 0
            incident = 6 if at.hour == 3 and "sonnet" in name else 1
            errors = int(requests * 0.012 * incident * chance.uniform(0, 2))
            row[name] = Numbers(
                requests=requests,
                errors=errors,
                traces=requests // 2 + (requests > 0),
                spans=requests * 3,
                cost=Decimal(str(round(price * requests, 8))) if price is not None else Decimal(0),
                unpriced=requests if price is None else 0,
                input_tokens=requests * 1480,
                output_tokens=requests * 310,
                cache_read_tokens=requests * 620,
                latency_p50=latency * chance.uniform(0.4, 0.6) if requests else None,
                latency_p95=latency * chance.uniform(0.9, 1.3) * incident**0.5 if requests else None,
                latency_p99=latency * chance.uniform(1.5, 2.4) * incident**0.5 if requests else None,
                ttft_p50=ttft * 0.5 if ttft and requests else None,
                ttft_p95=ttft * chance.uniform(0.9, 1.2) if ttft and requests else None,
                ttft_p99=ttft * chance.uniform(1.5, 2) if ttft and requests else None,
            )
        series.append(row)
    buckets = tuple(
        Bucket(at, None if at > NOW else _added(list(row.values()))) for at, row in zip(starts, series, strict=True)
    )
    rows = tuple(
        sorted(
            (ModelRow(name, provider, _added([row[name] for row in series])) for name, provider, *_ in models),
            key=lambda row: -(row.numbers.cost or 0),
        )
    )
    totals = _added([bucket.numbers for bucket in buckets if bucket.numbers])
    time_range = TimeRange(NOW - timedelta(hours=24), NOW)
    return Overview(
        range=time_range,
        previous_range=time_range.previous(),
        width=Width(1800, "30 minutes"),
        totals=totals,
        previous=Numbers()
        if size != "much"
        else Numbers(
            requests=int(totals.requests * 0.86),
            errors=int(totals.errors * 1.4),
            cost=(totals.cost or Decimal(0)) * Decimal("0.91"),
            input_tokens=int(totals.input_tokens * 0.8),
            output_tokens=totals.output_tokens,
            latency_p95=1.9,
            ttft_p95=0.61,
        ),
        series=buckets,
        models=rows,
        model_series=tuple(
            ModelSeries(
                row.model,
                row.provider,
                tuple(
                    None if at > NOW or cells[row.model].unpriced else cells[row.model].cost
                    for at, cells in zip(starts, series, strict=True)
                ),
                tuple(
                    None if at > NOW else cells[row.model].requests for at, cells in zip(starts, series, strict=True)
                ),
            )
            for row in rows[:8]
        ),
    )


def _added(several: list[Numbers]) -> Numbers:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in several)

    def middle(name: str) -> float | None:
        weighed = [
            (getattr(one, name), one.requests) for one in several if getattr(one, name) is not None and one.requests
        ]
        weight = sum(count for _, count in weighed)
        return sum(value * count for value, count in weighed) / weight if weight else None

    counts = (
        "requests",
        "errors",
        "traces",
        "spans",
        "unpriced",
        "estimated",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
    )
    times = [f"{what}_{quantile}" for what in ("latency", "ttft") for quantile in ("p50", "p95", "p99")]
    return Numbers(
        **{name: total(name) for name in counts},
        **{name: middle(name) for name in times},  # type: ignore[arg-type]
        cost=sum((one.cost or Decimal(0) for one in several), Decimal(0)),
    )


# ---- traces ---------------------------------------------------------------------------------------------------------
def trace_row(**changes: object) -> TraceRow:
    """One trace; any field may be replaced."""
    start = NOW - timedelta(seconds=42)
    values: dict[str, object] = {
        "trace_id": "019ae3f0c0de7c1f8a2b3c4d5e6f7081",
        "name": "answer-support-question",
        "start": start,
        "end": start + timedelta(seconds=4.37),
        "duration": 4.37,
        "status": "ok",
        "error_message": "",
        "has_root": True,
        "spans": 9,
        "errors": 0,
        "calls": 3,
        "models": ("claude-sonnet-4-5-20250929", "text-embedding-3-small"),
        "providers": ("anthropic", "openai"),
        "sources": ("otlp",),
        "environment": "production",
        "release": "2026.11.3",
        "user_id": "user_4821",
        "session_id": "support-2f81c0",
        "tags": ("support", "beta"),
        "input_tokens": 4820,
        "output_tokens": 612,
        "cost": Decimal("0.02364"),
        "unpriced": 0,
        "ttft": 0.58,
        "input_preview": "My invoice from October shows two charges for the same seat. Which one is right?",
        "output_preview": "You were charged twice because the seat was moved between workspaces on 12 October …",
    }
    values.update(changes)
    return TraceRow(**values)  # type: ignore[arg-type]


_ASKED = (
    (
        "chat.completions",
        "Summarise the incident report in three sentences for the status page.",
        "Between 02:58 and 03:41 UTC, search answers were wrong for about 4% of requests …",
    ),
    (
        "answer-support-question",
        "My invoice from October shows two charges for the same seat.",
        "You were charged twice because the seat was moved between workspaces on 12 October …",
    ),
    (
        "messages",
        "Translate into Hindi: Your order has been shipped and will arrive on Tuesday.",
        "आपका ऑर्डर भेज दिया गया है और मंगलवार को पहुँच जाएगा।",
    ),
    (
        "plan-video",
        "Storyboard for a 20 second clip about monsoon-proof packaging",
        '{"scenes":[{"seconds":4,"shot":"wide, street in rain"},{"seconds":6,"shot":"close, box"}]}',
    ),
    ("embeddings", "refund policy for annual plans; refund policy for monthly plans; …", ""),
    ("nightly-evaluation", "", ""),
    ("responses", "Which of these tickets are about the mobile app? Return JSON.", '{"tickets":[1182,1190,1201]}'),
)


def trace_page_of(size: str) -> TracePage:
    """A page of the list."""
    chance = random.Random(11)
    rows: list[TraceRow] = []
    count = {"none": 0, "little": 2, "much": 50, "broken": 4}[size]
    for index in range(count):
        name, asked, said = _ASKED[index % len(_ASKED)]
        model, provider, price, latency, ttft, _ = _MODELS[(index * 5) % len(_MODELS)]
        seconds = latency * chance.uniform(0.5, 2.4)
        failed = index % 11 == 4
        start = NOW - timedelta(seconds=index * index * 3.7 + index)
        rows.append(
            trace_row(
                trace_id=f"{index:032x}",
                name=name,
                start=start,
                end=start + timedelta(seconds=seconds),
                duration=seconds,
                status="error" if failed else "cancelled" if index == 9 else "ok",
                error_message="429 rate_limit_exceeded: Rate limit reached for requests per minute; try again in 2.3 s"
                if failed
                else "",
                spans=1 + (index % 4) * 3,
                errors=int(failed),
                models=(model,) if index % 6 else (model, "text-embedding-3-small", "gpt-4o-mini-2024-07-18"),
                providers=(provider,),
                user_id=f"user_{4000 + index * 37 % 900}" if index % 5 else "",
                session_id=f"support-{index * 7919 % 65536:04x}" if index % 3 else "",
                tags=(("support", "beta", "mobile", "eu")[: index % 5]),
                input_tokens=None if failed else int(chance.uniform(80, 22_000)),
                output_tokens=None if failed else 0 if name == "embeddings" else int(chance.uniform(20, 1400)),
                cost=None if failed or price is None else Decimal(str(round(price * chance.uniform(0.2, 3), 9))),
                unpriced=1 if price is None and not failed else 0,
                ttft=ttft * chance.uniform(0.7, 1.2) if ttft and index % 2 == 0 and not failed else None,
                input_preview=asked,
                output_preview=said,
            )
        )
    if size == "broken":
        rows[0] = trace_row(
            trace_id="b" * 32,
            name=HOSTILE,
            tags=(HOSTILE,),
            user_id=HOSTILE,
            session_id=HOSTILE,
            input_preview=HOSTILE,
            models=(HOSTILE,),
        )
        rows[1] = trace_row(
            trace_id="c" * 32,
            name="n" * 400,
            user_id="u" * 200,
            session_id="s" * 200,
            has_root=False,
            models=("m" * 120,),
            tags=tuple("t" * 60 for _ in range(9)),
            duration=90_000.0,
        )
        rows[2] = trace_row(
            trace_id="d" * 32,
            name="",
            status="interrupted",
            input_tokens=None,
            output_tokens=None,
            cost=None,
            unpriced=2,
            input_preview="",
            output_preview="",
            models=(),
        )
    return TracePage(
        rows=tuple(rows),
        next="next-page" if size == "much" else None,
        searched_to=NOW - timedelta(hours=3),
        complete=size != "broken",
        text_mode="words",
    )


# ---- people ----------------------------------------------------------------------------------------------------------
def people_of(size: str, what: str) -> PeoplePage:
    """Sessions or users."""
    chance = random.Random(5)
    count = {"none": 0, "little": 1, "much": 30, "broken": 3}[size]
    rows = []
    for index in range(count):
        calls = chance.randint(1, 400)
        last = NOW - timedelta(minutes=index * 13)
        rows.append(
            PeopleRow(
                id=HOSTILE
                if size == "broken"
                else f"support-{index * 7919 % 65536:04x}"
                if what == "session"
                else f"user_{4000 + index * 37}",
                first=last - timedelta(seconds=chance.randint(0, 90_000)),
                last=last,
                traces=max(1, calls // 3),
                spans=calls * 3,
                calls=calls,
                errors=calls // 60,
                users=1 if what == "session" else 0,
                sessions=chance.randint(1, 9),
                input_tokens=calls * 1500,
                output_tokens=calls * 250,
                cost=None if index == 7 else Decimal(calls) / 700,
                unpriced=calls if index == 7 else 2 if index == 3 else 0,
            )
        )
    return PeoplePage(tuple(rows), "next" if size == "much" else None)


# ---- ledger ---------------------------------------------------------------------------------------------------------
def ledger_of(size: str) -> Ledger:
    """Seven days of the ledger."""
    scale = {"none": 0, "little": 1, "much": 1000, "broken": 40}[size]
    days = (
        tuple(
            LedgerDay(
                day=(NOW - timedelta(days=6 - index)).date(),
                accepted=scale * (40 + index * 7),
                written=scale * (40 + index * 7) - (scale // 20 if index == 3 else 0),
                dropped=scale // 20 if index == 3 else 0,
                expired=0,
            )
            for index in range(7)
        )
        if scale
        else ()
    )
    written, dropped = sum(day.written for day in days), sum(day.dropped for day in days)
    spooled = 18 if size == "much" else 0
    missing = 3 if size == "broken" else 0
    counts = {
        "much": (("duplicate", 32), ("malformed_span", 18)),
        "broken": (("disk_full", 1), ("reason_of_the_future", 1)),
    }
    return Ledger(
        accepted=written + dropped + spooled + missing,
        written=written,
        spooled=spooled,
        dropped=dropped,
        expired=0,
        spooled_bytes=18 * 2100 if spooled else 0,
        in_flight=4 if size == "much" else 0,
        drops=tuple(DropCount(reason, records) for reason, records in counts.get(size, ())),
        lag={"much": 0.41, "broken": 4012.0}.get(size, 0.0),
        newest_received=NOW - timedelta(seconds=1) if scale else None,
        newest_written=NOW - timedelta(seconds=1) if scale else None,
        days=days,
    )


def drops_of(size: str) -> DropPage:
    """The latest drops."""
    if size in {"none", "little"}:
        return DropPage(rows=(), next=None)
    rows = [
        DropRow(
            received_at=NOW - timedelta(minutes=4),
            reason="duplicate",
            signal="traces",
            records=32,
            detail="the body of gw-1/000000000412/88213 was accepted 12 s before",
            position="gw-1/000000000412/901223",
            sample="",
        ),
        DropRow(
            received_at=NOW - timedelta(hours=3),
            reason="malformed_span",
            signal="traces",
            records=18,
            detail="span_id has 6 bytes: 0xdeadbeef0102",
            position="gw-1/000000000398/12",
            sample='{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"deadbeef0102"}',
        ),
    ]
    if size == "broken":
        rows[0] = DropRow(
            received_at=NOW,
            reason="reason_of_the_future",
            signal=HOSTILE,
            records=1,
            detail=HOSTILE * 5,
            position=HOSTILE,
            sample=HOSTILE,
        )
    return DropPage(rows=tuple(rows), next=None)
