"""Every read against the real engine: what a page shows is what was written."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.analytics.facets import facets
from apps.analytics.overview import aggregate, overview
from apps.analytics.people import session_list, user_list
from apps.analytics.query import Field, Filter, Page, Query, TextMode, TimeRange
from apps.analytics.run import Reads
from apps.analytics.spans import span_detail, span_list
from apps.analytics.traces import trace_detail, trace_list
from ingestion.records import BILLED_BY_GATEWAY, BILLED_BY_SDK, CostStatus, SpanKind, SpanStatus
from tests.rows import Bench, call_at, span_at, trace_id

MINUTE = timedelta(minutes=1)


@pytest.fixture
def reads(bench: Bench) -> Reads:
    """The executor over the test store."""
    return Reads(bench.store.reader)


def last_day(bench: Bench, now: datetime, **more: object) -> Query:
    """Everything of the last 24 hours."""
    return Query(project_id=bench.project_id, range=TimeRange(now - timedelta(days=1), now), **more)  # type: ignore[arg-type]


def test_overview_adds_up_calls_and_says_what_it_does_not_know(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(
        call_at(now - 30 * MINUTE, cost="0.25", seconds=2.0, ttft_ns=500_000_000),
        call_at(now - 29 * MINUTE, cost="0.5", seconds=2.0),
        call_at(now - 28 * MINUTE, cost=None, model="nobody-knows", status=SpanStatus.ERROR),
        span_at(now - 31 * MINUTE, kind=SpanKind.AGENT, input_tokens=200, output_tokens=40),
        call_at(now - timedelta(hours=30), cost="1"),
    )
    found = overview(reads, last_day(bench, now), now=now)
    assert found.totals.requests == 3
    assert found.totals.errors == 1
    assert found.totals.cost == Decimal("0.75")
    assert found.totals.unpriced == 1
    assert found.totals.input_tokens == 300  # the agent's own count repeats its children's and is not added
    assert found.totals.latency_p50 == pytest.approx(2.0, rel=0.02)
    assert found.totals.ttft_p95 == pytest.approx(0.5, rel=0.02)
    assert found.previous.cost == Decimal(1)
    models = {row.model: row.numbers for row in found.models}
    assert models["gpt-4o"].cost == Decimal("0.75")
    assert models["nobody-knows"].cost is None
    assert models["nobody-knows"].unpriced == 1
    filled = [bucket.numbers for bucket in found.series if bucket.numbers and bucket.numbers.requests]
    assert sum(numbers.requests for numbers in filled) == 3
    assert all(bucket.numbers is not None for bucket in found.series)
    assert sum(value or 0 for value in found.model_series[0].cost) == Decimal("0.75")


@pytest.mark.parametrize("filters", [(), (Filter(Field.USER, ("ada",)),)])
@pytest.mark.parametrize("reason", [BILLED_BY_GATEWAY, BILLED_BY_SDK])
def test_a_call_that_gateway_and_sdk_have_seen_is_one_request(
    bench: Bench, reads: Reads, now: datetime, reason: str, filters: tuple[Filter, ...]
) -> None:
    at = now - 30 * MINUTE
    name = trace_id()
    bench.spans(
        call_at(at, trace=name, cost="0.25", seconds=2.0, status=SpanStatus.ERROR, user_id="ada"),
        call_at(
            at, trace=name, cost=None, seconds=8.0, ttft_ns=10**9, status=SpanStatus.ERROR, user_id="ada",
            billable=False, cost_status=CostStatus.NOT_BILLABLE, cost_reason=reason, provider="as the SDK says",
        ),
        call_at(at, trace=name, cost="0.5", seconds=2.0, user_id="ada"),
    )  # fmt: skip
    answer = overview(reads, last_day(bench, now, filters=filters), now=now)
    totals = answer.totals
    assert (totals.requests, totals.errors, totals.spans) == (2, 1, 3)
    assert [(row.numbers.requests, row.provider) for row in answer.models] == [(2, "openai")]
    assert (totals.latency_p99, totals.ttft_p99) == (pytest.approx(2.0, rel=0.02), None)
    found = trace_detail(reads, bench.project_id, name)
    assert found is not None
    assert (found.trace.calls, found.trace.spans) == (2, 3)
    (listed,) = trace_list(reads, last_day(bench, now, filters=filters), Page()).rows
    assert listed == found.trace
    (ada,) = user_list(reads, last_day(bench, now, filters=filters), Page()).rows
    assert (ada.calls, ada.spans) == (2, 3)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("days", [1, 3, 10, 60])
def test_totals_and_series_agree_with_the_spans_in_every_zone(
    bench: Bench, reads: Reads, now: datetime, zone: str, days: int
) -> None:
    times = [now - timedelta(days=days) * part / 97 for part in range(1, 97)]
    bench.spans(*(call_at(at, cost="0.01") for at in times))
    query = Query(project_id=bench.project_id, range=TimeRange(now - timedelta(days=days), now), time_zone=zone)
    found = overview(reads, query, now=now)
    assert found.totals.requests == 96
    assert found.totals.cost == Decimal("0.96")
    counts = [bucket.numbers.requests if bucket.numbers else 0 for bucket in found.series]
    starts = [bucket.start for bucket in found.series]
    expected = [0] * len(starts)
    for at in times:
        expected[max(number for number, start in enumerate(starts) if start <= at)] += 1
    assert counts == expected
    measured = [bucket.numbers.latency_p50 is not None for bucket in found.series if bucket.numbers]
    assert measured == [count > 0 for count in counts]


@pytest.mark.parametrize("filters", [(), (Filter(Field.ENVIRONMENT, ("",)),), (Filter(Field.USER, ("ada",)),)])
def test_percentiles_of_few_calls_hide_no_slow_one(
    bench: Bench, reads: Reads, now: datetime, filters: tuple[Filter, ...]
) -> None:
    day = timedelta(days=1)
    at = now - timedelta(hours=3)
    bench.spans(
        call_at(at, seconds=1.0, ttft_ns=10**9, user_id="ada"),
        call_at(at, seconds=11.0, user_id="ada"),
        span_at(at, kind=SpanKind.AGENT, seconds=500.0, user_id="ada"),
        call_at(at - day, seconds=2.0, user_id="ada"),
        call_at(at - day, seconds=4.0, ttft_ns=2 * 10**9, user_id="ada"),
    )
    Bench(bench.store, bench.project_id + 1).spans(call_at(at, seconds=900.0, user_id="ada"))
    found = overview(reads, last_day(bench, now, filters=filters), now=now)
    totals = found.totals
    assert (totals.latency_p50, totals.latency_p95, totals.latency_p99) == pytest.approx((6.0, 10.5, 10.9))
    assert (totals.ttft_p50, totals.ttft_p99) == pytest.approx((1.0, 1.0))
    assert (found.previous.latency_p95, found.previous.ttft_p95) == pytest.approx((3.9, 2.0))
    assert found.models[0].numbers.latency_p95 == pytest.approx(10.5)
    (bucket,) = [one.numbers for one in found.series if one.numbers and one.numbers.requests]
    assert (bucket.latency_p95, bucket.ttft_p95) == pytest.approx((10.5, 1.0))


def test_calls_that_measured_nothing_have_no_percentile(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(call_at(now - MINUTE), span_at(now - timedelta(hours=30), kind=SpanKind.TOOL))
    found = overview(reads, last_day(bench, now), now=now)
    assert (found.totals.latency_p95, found.totals.ttft_p95) == (1.0, None)
    assert (found.previous.spans, found.previous.latency_p95) == (1, None)


def test_filters_that_only_spans_know_give_the_same_numbers(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(
        call_at(now - MINUTE, cost="0.25", user_id="ada"),
        call_at(now - MINUTE, cost="0.5", user_id="bo"),
        call_at(now - MINUTE, cost=None, user_id="cy"),
    )
    query = last_day(bench, now, metrics=("cost", "requests", "unpriced"), dimensions=("user",))
    table = aggregate(reads, query)
    assert {row.dimensions[0]: row.metrics for row in table.rows} == {
        "bo": (Decimal("0.5"), 1, 0),
        "ada": (Decimal("0.25"), 1, 0),
        "cy": (None, 1, 1),
    }
    ada = overview(reads, last_day(bench, now, filters=(Filter(Field.USER, ("ada",)),)), now=now)
    assert (ada.totals.requests, ada.totals.cost) == (1, Decimal("0.25"))
    others = overview(reads, last_day(bench, now, filters=(Filter(Field.USER, ("ada",), negated=True),)), now=now)
    assert others.totals.requests == 2


def test_another_projects_rows_are_never_seen(bench: Bench, reads: Reads, now: datetime) -> None:
    mine = call_at(now - MINUTE, user_id="ada", session_id="s")
    bench.spans(mine)
    other = Query(project_id=bench.project_id + 1, range=TimeRange(now - timedelta(days=1), now))
    assert overview(reads, other, now=now).totals.requests == 0
    assert trace_list(reads, other, Page()).rows == ()
    assert span_list(reads, other, Page()).rows == ()
    assert trace_detail(reads, other.project_id, mine.trace_id) is None
    assert span_detail(reads, other.project_id, mine.trace_id, mine.span_id) is None
    assert session_list(reads, other, Page()).rows == ()
    assert facets(reads, other.project_id, other.range).models == ()


def test_a_trace_is_one_row_with_what_its_spans_amount_to(bench: Bench, reads: Reads, now: datetime) -> None:
    trace = trace_id()
    root = span_at(now - 10 * MINUTE, seconds=60, trace=trace, kind=SpanKind.AGENT, name="answer", user_id="ada")
    call = call_at(
        now - 9 * MINUTE, trace=trace, parent_span_id=root.span_id, cost="0.25", input_preview="hello", tags=("vip",)
    )
    failed = call_at(
        now - 9 * MINUTE,
        trace=trace,
        parent_span_id=root.span_id,
        cost=None,
        model="x",
        status=SpanStatus.ERROR,
        error_message="boom",
    )
    bench.spans(root, call, failed)
    row = trace_list(reads, last_day(bench, now), Page()).rows[0]
    assert (row.trace_id, row.name, row.has_root, row.spans, row.calls, row.errors) == (trace, "answer", True, 3, 2, 1)
    assert (row.cost, row.unpriced, row.input_tokens, row.models) == (Decimal("0.25"), 1, 200, ("gpt-4o", "x"))
    assert (row.status, row.error_message, row.user_id, row.tags) == ("ok", "boom", "ada", ("vip",))
    assert row.duration == 61.0
    detail = trace_detail(reads, bench.project_id, trace)
    assert detail is not None
    assert detail.trace == row  # the list says it in SQL, the page from the spans at hand
    started_at_once = sorted((call.span_id, failed.span_id))
    assert [span.span_id for span in detail.spans] == [root.span_id, *started_at_once]
    assert set(detail.texts) == {root.span_id, *started_at_once}
    assert trace_detail(reads, bench.project_id, trace, texts=False) == replace(detail, texts={})
    cut = trace_detail(reads, bench.project_id, trace, limit=2)
    assert cut is not None
    assert (len(cut.spans), cut.more, cut.trace) == (2, 1, row)


def test_a_call_that_failed_shows_the_model_that_was_asked_for(bench: Bench, reads: Reads, now: datetime) -> None:
    trace = trace_id()
    root = span_at(now - 10 * MINUTE, trace=trace)
    answered = call_at(now - 9 * MINUTE, trace=trace, model="gpt-4o-2024-11-20", model_requested="gpt-4o")
    failed = call_at(now - 8 * MINUTE, trace=trace, model="", model_requested="asked", status=SpanStatus.ERROR)
    bench.spans(root, answered, failed)
    row = trace_list(reads, last_day(bench, now), Page()).rows[0]
    assert row.models == ("asked", "gpt-4o-2024-11-20")
    detail = trace_detail(reads, bench.project_id, trace)
    assert detail is not None
    assert detail.trace == row


def test_a_trace_without_its_root_is_listed_too(bench: Bench, reads: Reads, now: datetime) -> None:
    orphan = call_at(now - MINUTE, parent_span_id="00000000000000aa", status=SpanStatus.ERROR, trace_name="flow")
    bench.spans(orphan)
    row = trace_list(reads, last_day(bench, now), Page()).rows[0]
    assert (row.has_root, row.status, row.name) == (False, "error", "flow")


def test_pages_of_traces_join_without_gap_or_repeat(bench: Bench, reads: Reads, now: datetime) -> None:
    spans = []
    for number in range(60):
        trace = trace_id()
        start = now - timedelta(hours=20) + MINUTE * (number // 3)  # three at a time
        spans.append(span_at(start, trace=trace))
        if number % 5 == 0:  # a match that comes hours after the trace began
            spans.append(call_at(start + timedelta(hours=number / 5), trace=trace, parent_span_id="a", model="late"))
    bench.spans(*spans)
    for filters, expected in (((), 60), ((Filter(Field.MODEL, ("late",)),), 12)):
        seen: list[str] = []
        starts: list[datetime] = []
        cursor = ""
        while True:
            page = trace_list(reads, last_day(bench, now, filters=filters), Page(limit=5, cursor=cursor))
            seen += [row.trace_id for row in page.rows]
            starts += [row.start for row in page.rows]
            if page.next is None:
                break
            cursor = page.next
        assert len(seen) == len(set(seen)) == expected
        assert starts == sorted(starts, reverse=True)


def test_a_search_that_runs_out_of_time_says_so_and_can_go_on(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(*(call_at(now - timedelta(minutes=5 * number + 5)) for number in range(200)))
    query = last_day(bench, now, filters=(Filter(Field.MODEL, ("nobody",)),))
    page = trace_list(reads, query, Page(), seconds=0)
    assert page.rows == ()
    assert page.complete or page.next


@pytest.mark.parametrize(
    ("text", "mode", "found"),
    [
        ("refund order", TextMode.AUTO, 1),
        ("REFUND", TextMode.AUTO, 1),
        ("refun", TextMode.AUTO, 1),  # no such word: found as a substring
        ("refun", TextMode.WORDS, 0),
        ("order-17", TextMode.AUTO, 1),
        ("straße", TextMode.AUTO, 1),
        ("%' OR 1=1 --", TextMode.AUTO, 0),
        ("शुल्क", TextMode.AUTO, 1),
    ],
)
def test_free_text_finds_words_and_parts_of_words(
    bench: Bench, reads: Reads, now: datetime, text: str, mode: TextMode, found: int
) -> None:
    bench.spans(
        call_at(now - MINUTE, input="Please refund Order-17, Straße 5, straße", output="शुल्क वापस"),
        call_at(now - MINUTE, input="nothing here"),
    )
    query = last_day(bench, now, text=text, text_mode=mode)
    assert len(trace_list(reads, query, Page()).rows) == found
    assert len(span_list(reads, query, Page()).rows) == found


def test_a_pasted_trace_or_request_id_finds_it_at_any_time(bench: Bench, reads: Reads, now: datetime) -> None:
    old = call_at(now - timedelta(days=300))
    bench.spans(old)
    dashed = "-".join(
        (old.trace_id[:8], old.trace_id[8:12], old.trace_id[12:16], old.trace_id[16:20], old.trace_id[20:])
    )
    for text in (old.trace_id, dashed, dashed.upper()):
        assert [row.trace_id for row in trace_list(reads, last_day(bench, now, text=text), Page()).rows] == [
            old.trace_id
        ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field.MODEL, "m"),
        (Field.PROVIDER, "p"),
        (Field.STATUS, "error"),
        (Field.KIND, "tool"),
        (Field.USER, "u'\\ %s"),
        (Field.SESSION, "s"),
        (Field.TAG, "t"),
        (Field.ENVIRONMENT, "e"),
        (Field.NAME, "n"),
        (Field.SERVICE, "sv"),
        (Field.RELEASE, "r"),
        (Field.SOURCE, "src"),
        (Field.PROMPT, "pn"),
        (Field.TOOL, "tn"),
        (Field.AGENT, "an"),
        (Field.TRACE_NAME, "tr"),
        (Field.COST_STATUS, "free"),
    ],
)
def test_each_filter_keeps_what_matches_and_drops_the_rest(
    bench: Bench, reads: Reads, now: datetime, field: Field, value: str
) -> None:
    names = {
        Field.USER: "user_id",
        Field.SESSION: "session_id",
        Field.PROMPT: "prompt_name",
        Field.TOOL: "tool_name",
        Field.AGENT: "agent_name",
    }
    cell: Any = (value,) if field is Field.TAG else value
    wanted = span_at(now - MINUTE, **{"tags" if field is Field.TAG else names.get(field, field.value): cell})
    bench.spans(wanted, span_at(now - MINUTE))
    query = last_day(bench, now, filters=(Filter(field, (value, "another")),))
    assert [row.span_id for row in span_list(reads, query, Page()).rows] == [wanted.span_id]
    assert [row.trace_id for row in trace_list(reads, query, Page()).rows] == [wanted.trace_id]
    without = last_day(bench, now, filters=(Filter(field, (value,), negated=True),))
    assert wanted.span_id not in [row.span_id for row in span_list(reads, without, Page()).rows]


def test_one_span_with_its_texts(bench: Bench, reads: Reads, now: datetime) -> None:
    span = call_at(
        now - MINUTE,
        input="in",
        output="out",
        raw_request="{}",
        request_headers={"a": "b"},
        properties={"team": "x"},
        cost_details={"input": Decimal("0.01")},
        usage={"input": Decimal(100)},
        price_id="openai/gpt-4o@2026",
        queue_ns=5_000,
    )
    bench.spans(span)
    found = span_detail(reads, bench.project_id, span.trace_id, span.span_id)
    assert found is not None
    row, text = found
    assert (row.price_id, row.cost_usd, dict(row.cost_details)) == (
        "openai/gpt-4o@2026",
        Decimal("0.01"),
        {"input": Decimal("0.01")},
    )
    assert (row.queue, row.ttft, row.duration) == (5e-06, None, 1.0)
    assert (text.input, text.output, text.raw_request) == ("in", "out", "{}")
    assert (dict(text.request_headers), dict(text.properties)) == ({"a": "b"}, {"team": "x"})


def test_sessions_and_users(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(
        call_at(now - 3 * MINUTE, cost="0.25", session_id="s1", user_id="ada"),
        call_at(now - 2 * MINUTE, cost="0.5", session_id="s1", user_id="ada"),
        call_at(now - 1 * MINUTE, cost=None, session_id="s2", user_id="bo"),
    )
    first = session_list(reads, last_day(bench, now), Page(limit=1))
    assert [(row.id, row.cost, row.unpriced) for row in first.rows] == [("s2", None, 1)]
    second = session_list(reads, last_day(bench, now), Page(limit=1, cursor=first.next or ""))
    assert [(row.id, row.traces, row.cost, row.users) for row in second.rows] == [("s1", 2, Decimal("0.75"), 1)]
    assert second.next is None
    assert [row.id for row in user_list(reads, last_day(bench, now), Page()).rows] == ["bo", "ada"]


def test_a_span_that_was_sent_twice_is_two_whole_spans(bench: Bench, reads: Reads, now: datetime) -> None:
    """Both have the same id, start and batch."""
    one = call_at(now, trace=trace_id(), name="first", cost="1", user_id="ada", output="a" * 9)
    other = replace(one, name="second", cost=Decimal(2), cost_usd=Decimal(2), user_id="bo", output="b" * 9)
    bench.spans(one, other)
    detail = trace_detail(reads, bench.project_id, one.trace_id)
    assert detail is not None
    assert {(span.name, span.user_id, span.cost) for span in detail.spans} == {
        ("first", "ada", Decimal(1)),
        ("second", "bo", Decimal(2)),
    }


def test_facets_name_what_occurs_most_used_first(bench: Bench, reads: Reads, now: datetime) -> None:
    bench.spans(
        call_at(now - MINUTE, model="rare", environment="prod"),
        call_at(now - MINUTE, model="common", environment="prod"),
        call_at(now - MINUTE, model="common"),
    )
    found = facets(reads, bench.project_id, TimeRange(now - timedelta(days=1), now))
    assert found.models == ("common", "rare")
    assert found.environments == ("prod",)
    assert found.kinds == ("llm",)
