"""The JSON API as an application with a key sees it, over a real store."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.drops import DropReason
from ingestion.records import SpanStatus
from tests.apps.visitors import holding_a_key
from tests.conftest import People
from tests.rows import Bench, call_at, drop_at, span_at, trace_id

Get = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("reading")


@pytest.fixture
def get(people: People) -> Get:
    """Ask with a key of Alice's project."""
    client = holding_a_key(people.project)
    return lambda path, **parameters: client.get(f"/api/v1/{path}", parameters)


def test_a_trace_and_its_spans(get: Get, rows: Bench, recent: datetime) -> None:
    trace = trace_id()
    root = span_at(recent, trace=trace, name="answer", seconds=2.5)
    call = call_at(recent, trace=trace, parent_span_id=root.span_id, cost="0.0000024", input="hello", tags=("a", "b"))
    rows.spans(root, call)
    listed = get("traces").json()
    assert listed["next"] is None
    [found] = listed["data"]
    assert (found["trace_id"], found["name"], found["duration"]) == (trace, "answer", 2.5)
    assert (found["cost_usd"], found["unpriced"], found["tags"]) == ("0.0000024", 0, ["a", "b"])
    assert found["start"].endswith("Z")
    whole = get(f"traces/{trace}").json()
    assert {key: whole[key] for key in found} == found
    assert [span["span_id"] for span in whole["span_list"]] == [root.span_id, call.span_id]
    assert whole["more"] == 0
    one = get(f"spans/{call.span_id}").json()
    assert (one["input"], one["model"], one["input_tokens"], one["ttft"]) == ("hello", "gpt-4o", 100, None)
    assert [span["span_id"] for span in get("spans", kind="llm").json()["data"]] == [call.span_id]


def test_a_call_that_failed_is_listed_with_the_model_that_was_asked_for(
    get: Get, rows: Bench, recent: datetime
) -> None:
    call = call_at(recent, model="", model_requested="asked-for", status=SpanStatus.ERROR)
    rows.spans(call)
    [trace] = get("traces").json()["data"]
    assert trace["models"] == ["asked-for"]
    whole = get(f"traces/{call.trace_id}").json()
    assert whole["models"] == ["asked-for"]
    assert [(span["model"], span["model_requested"]) for span in whole["span_list"]] == [("", "asked-for")]


def test_unknown_is_null_and_never_zero(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(call_at(recent, cost=None, model="new", input_tokens=None, output_tokens=None))
    [trace] = get("traces").json()["data"]
    assert (trace["cost_usd"], trace["unpriced"], trace["input_tokens"]) == (None, 1, None)
    totals = get("overview").json()["totals"]
    assert (totals["cost_usd"], totals["unpriced"], totals["ttft_p95"]) == (None, 1, None)
    table = get("metrics/query", metrics="cost,unpriced", by="model").json()
    assert table["data"] == [{"model": "new", "cost": None, "unpriced": 1}]


def test_overview_has_totals_series_and_models(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(call_at(recent, cost="0.25"), call_at(recent, cost="0.5", status=SpanStatus.ERROR))
    found = get("overview", range="1h").json()
    assert (found["totals"]["requests"], found["totals"]["errors"], found["totals"]["cost_usd"]) == (2, 1, "0.75")
    assert found["width"] == {"seconds": 60, "label": "minute"}
    assert sum(bucket["numbers"]["requests"] for bucket in found["series"] if bucket["numbers"]) == 2
    assert found["models"][0]["model"] == "gpt-4o"


def test_pages_are_joined_by_next(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(*(call_at(recent - timedelta(seconds=number)) for number in range(5)))
    for path in ("traces", "spans"):
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = get(path, limit=2, cursor=cursor).json()
            seen += [row["trace_id"] for row in page["data"]]
            cursor = page["next"]
        assert len(seen) == len(set(seen)) == 5


def test_a_list_as_csv_is_whole_and_harmless(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(*(call_at(recent, user_id="=HYPERLINK(1)", cost="0.5") for _ in range(205)))
    answer = get("traces", format="csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(table) == 205
    assert {row["user_id"] for row in table} == {"'=HYPERLINK(1)"}
    assert sum(Decimal(row["cost_usd"]) for row in table) == Decimal("102.5")


def test_the_ledger_balances_and_shows_why_records_were_dropped(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(call_at(recent), call_at(recent))
    rows.drops(
        drop_at(recent, records=3, detail="no trace id", sample="{}"), drop_at(recent, reason=DropReason.DUPLICATE)
    )
    for parameters in ({}, {"range": "1h"}):
        found = get("ledger", **parameters).json()
        assert (found["accepted"], found["written"], found["spooled"], found["expired"]) == (6, 2, 0, 0)
        assert found["dropped"] == {"malformed_span": 3, "duplicate": 1}
        assert (found["balanced"], found["difference"]) == (True, 0)
    first = get("drops", limit=1).json()
    second = get("drops", limit=1, cursor=first["next"]).json()
    assert {row["reason"] for row in first["data"] + second["data"]} == {"malformed_span", "duplicate"}
    assert second["next"] is None
    assert [row["detail"] for row in get("drops", reason="malformed_span").json()["data"]] == ["no trace id"]


def test_a_row_that_vanished_unbalances_the_ledger(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(call_at(recent), batch_id=5)
    rows.batch(6, accepted=1, written=1, at_ns=call_at(recent).received_ns)
    found = get("ledger").json()
    assert (found["balanced"], found["difference"]) == (False, 1)


def test_facets_sessions_and_users(get: Get, rows: Bench, recent: datetime) -> None:
    rows.spans(call_at(recent, session_id="s", user_id="u", environment="prod"))
    assert get("facets").json()["models"] == ["gpt-4o"]
    assert [row["id"] for row in get("sessions").json()["data"]] == ["s"]
    assert [row["id"] for row in get("users").json()["data"]] == ["u"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("traces?limit=0", "limit"),
        ("traces?limit=9999", "limit"),
        ("traces?cursor=nonsense", "cursor"),
        ("spans?range=5y", "range"),
        ("spans?from=yesterday", "from"),
        ("spans?from=2026-05-02&to=2026-05-01", "from"),
        ("overview?tz=Mars/Olympus", "tz"),
        ("overview?tz=../../etc/passwd", "tz"),
        ("metrics/query", "metrics"),
        ("metrics/query?metrics=profit", "metrics"),
        ("metrics/query?metrics=cost&by=colour", "by"),
        ("drops?reason=bad-luck", "reason"),
        ("traces?text_mode=regex", "text_mode"),
        ("traces?user=%00", "user"),
        ("traces?q=" + "x" * 1001, "q"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_accepted(get: Get, path: str, field: str) -> None:
    answer = get(path)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("invalid_parameter", field)
    assert error["hint"]
