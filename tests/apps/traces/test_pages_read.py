"""The pages over a real store: what was recorded is what is shown, and another project's rows never are."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from ingestion.drops import DropReason
from ingestion.envelope import Outcome
from ingestion.exchange import read_exchange
from ingestion.records import CostStatus, SpanStatus
from ingestion.store.client import Store
from tests.conftest import People
from tests.ingestion.readers.recorded import ASK, envelope
from tests.rows import Bench, call_at, drop_at, nanoseconds, span_at, trace_id

pytestmark = pytest.mark.usefixtures("reading")


def page(client: Client, people: People, path: str) -> str:
    """The text of a page."""
    answer = client.get(f"/p/{people.project.slug}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_call_is_found_opened_and_priced(alice: Client, people: People, rows: Bench, recent: datetime) -> None:
    trace = trace_id()
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my refund?"}]}])
    root = span_at(recent, trace=trace, name="answer-question", seconds=2.5)
    call = call_at(recent, trace=trace, parent_span_id=root.span_id, cost="0.0123", input=said, user_id="ada")
    rows.spans(root, call)
    overview = page(alice, people, "?range=1h")
    assert "$0.0123" in overview
    assert "gpt-4o" in overview
    listed = page(alice, people, "traces/?range=1h&user=ada&q=refund")
    assert f"/traces/{trace}/" in listed
    assert "answer-question" in listed
    shown = page(alice, people, f"traces/{trace}/?span={call.span_id}")
    assert "Where is my refund?" in shown
    assert page(alice, people, f"traces/{trace}/?span={call.span_id}&view=cost").count("$0.0123") >= 2
    assert "ada" in page(alice, people, "users/?range=1h")


def test_unknown_cost_is_said_on_every_page(alice: Client, people: People, rows: Bench, recent: datetime) -> None:
    trace = trace_id()
    rows.spans(call_at(recent, trace=trace, cost=None, model="sarvam-m", cost_status=CostStatus.UNPRICED))
    assert "1 call unpriced" in page(alice, people, "?range=1h")
    assert ">unpriced<" in page(alice, people, "traces/?range=1h")
    assert "1 of its calls" in page(alice, people, f"traces/{trace}/")


def test_a_failure_is_prominent(alice: Client, people: People, rows: Bench, recent: datetime) -> None:
    trace = trace_id()
    call = call_at(recent, trace=trace, status=SpanStatus.ERROR, error_type="RateLimitError", error_message="try later")
    rows.spans(call)
    assert "100%" in page(alice, people, "?range=1h")
    shown = page(alice, people, f"traces/{trace}/")
    assert "RateLimitError" in shown
    assert "try later" in shown


def test_a_failed_call_shows_the_model_that_was_asked_for(
    alice: Client, people: People, rows: Bench, recent: datetime
) -> None:
    trace = trace_id()
    rows.spans(call_at(recent, trace=trace, model="", model_requested="asked-for-7b", status=SpanStatus.ERROR))
    assert "asked-for-7b" in page(alice, people, "traces/?range=1h")
    assert "asked-for-7b" in page(alice, people, f"traces/{trace}/")


def test_a_failed_call_of_the_gateway_is_found_and_counted_under_the_model_that_was_asked_for(
    alice: Client, people: People, rows: Bench, recent: datetime
) -> None:
    ask = {**ASK, "model": "asked-for-7b"}
    started: dict[str, Any] = {"request": ask, "started_ns": nanoseconds(recent)}
    refused = read_exchange(envelope(**started, status=429, response=b'{"error": {"message": "slow down"}}'))
    unreachable = read_exchange(envelope(**started, status=0, outcome=Outcome.UPSTREAM_UNREACHABLE))
    failed = [replace(call, trace_id=trace_id()) for call in (refused, unreachable)]
    other = call_at(recent)
    rows.spans(*failed, other)

    found = page(alice, people, "traces/?range=1h&model=asked-for-7b")
    assert [call.trace_id in found for call in (*failed, other)] == [True, True, False]
    assert not any(call.trace_id in page(alice, people, "traces/?range=1h&model=gpt-4o") for call in failed)

    asked = f"/api/v1/overview?range=1h&project={people.project.slug}"
    models = {row["model"]: row["numbers"] for row in alice.get(asked).json()["models"]}
    assert {name: (row["requests"], row["errors"]) for name, row in models.items()} == {
        "asked-for-7b": (2, 2),
        "gpt-4o": (1, 0),
    }
    assert models["asked-for-7b"]["cost_usd"] == "0"
    shown = page(alice, people, f"traces/{failed[0].trace_id}/")
    assert "asked-for-7b" in shown
    assert "asked for" not in shown


def test_the_ledger_shows_a_drop_with_its_reason(alice: Client, people: People, rows: Bench, recent: datetime) -> None:
    rows.drops(drop_at(recent, reason=DropReason.MALFORMED_SPAN, records=3, detail="span_id has 6 bytes"))
    shown = page(alice, people, "ledger/?range=24h")
    assert "Malformed span" in shown
    assert "span_id has 6 bytes" in shown


def test_another_projects_rows_are_nowhere(
    alice: Client, people: People, store: Store, rows: Bench, recent: datetime
) -> None:
    trace = trace_id()
    other = Bench(store, people.other.pk)
    other.spans(call_at(recent, trace=trace, cost="9.99", user_id="stranger"))
    assert "$9.99" not in page(alice, people, "?range=1h")
    assert trace not in page(alice, people, "traces/?range=1h")
    assert "stranger" not in page(alice, people, "users/?range=1h")
    assert alice.get(f"/p/{people.project.slug}/traces/{trace}/").status_code == 404
    assert alice.get(f"/p/{people.other.slug}/").status_code == 404
