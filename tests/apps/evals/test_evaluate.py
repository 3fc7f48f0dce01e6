"""Rules at work over a real store: what is judged, once, whatever arrives when, and fails how."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest

from apps.evals import evaluate
from apps.evals.evaluate import claim_take, evaluate_due
from apps.evals.evaluators.length import Length
from apps.evals.models import EvaluationRule
from apps.evals.services import rule_delete, rule_update
from ingestion.records import SpanKind, SpanRecord
from ingestion.scores.inbox import InboxFull
from tests.apps.evals.judging import LENGTH, Desk
from tests.rows import call_at, span_at, trace_id

MINUTE = timedelta(minutes=1)


def calls(desk: Desk, count: int, **more: Any) -> list[SpanRecord]:
    """So many calls of five minutes ago, put into the store."""
    made = [call_at(desk.now - 5 * MINUTE, output=f"answer {number}", **more) for number in range(count)]
    desk.bench.spans(*made)
    return made


def test_a_call_that_matches_gets_one_score(desk: Desk) -> None:
    """From the span in the store to the score in the store, once, with the rule's name and version on it."""
    rule = desk.rule({**LENGTH, "filters": [{"field": "model", "values": ["gpt-4o"]}]})
    start = desk.now - 5 * MINUTE
    short, long = call_at(start, output="short"), call_at(start, output="a longer answer")
    desk.bench.spans(short, long, call_at(start, model="other", output="x"), span_at(start, output="no call"))
    assert desk.look() == 2
    assert desk.look() == 0
    found = {row["span_id"]: row for row in desk.scores()}
    assert {span: row["value"] for span, row in found.items()} == {short.span_id: 1.0, long.span_id: 0.0}
    row = found[short.span_id]
    assert row["id"].startswith(f"eval-{rule.pk}-")
    assert (row["trace_id"], row["name"], row["data_type"]) == (short.trace_id, "length", "boolean")
    assert (row["comment"], row["evaluator_version"], row["versions"]) == ("5 characters", "1.1", 1)


def test_a_trace_is_judged_by_its_root_with_the_money_of_all_its_calls(desk: Desk) -> None:
    desk.rule(
        {"name": "Dear", "evaluator": "limits", "settings": {"measure": "cost", "limit": 0.015}, "target": "trace"}
    )
    trace, start = trace_id(), desk.now - 5 * MINUTE
    root = span_at(start, trace=trace, kind=SpanKind.AGENT, output="done")
    desk.bench.spans(root, *(call_at(start, trace=trace, parent_span_id=root.span_id) for _ in range(2)))
    assert desk.look() == 1
    (row,) = desk.scores()
    assert (row["trace_id"], row["span_id"]) == (trace, "")
    assert row["value"] == 0.0, row


def test_what_was_received_before_the_rule_is_left_to_a_back_fill(desk: Desk) -> None:
    desk.bench.spans(call_at(desk.now - 10 * MINUTE, output="before"))
    desk.rule(ago=5 * MINUTE)
    desk.bench.spans(call_at(desk.now - 2 * MINUTE, output="after"))
    assert desk.look() == 1


def test_what_lay_in_a_spool_for_an_hour_is_judged_when_it_arrives(desk: Desk) -> None:
    """Its clock is old and other calls were judged since; the batch that brought it is new."""
    desk.rule()
    calls(desk, 1)
    assert desk.look() == 1
    late = call_at(desk.now - 50 * MINUTE, output="late")
    desk.arrive(late, written=desk.now - timedelta(seconds=1))
    assert desk.look() == 0  # too new: others of the same moment may not be there yet
    desk.now += MINUTE
    assert desk.look() == 1
    assert late.span_id in {row["span_id"] for row in desk.scores()}


def test_more_than_a_page_is_judged_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "_PAGE", 3)
    desk.rule()
    made = calls(desk, 8)
    assert desk.look() == 8
    assert sorted(row["span_id"] for row in desk.scores()) == sorted(one.span_id for one in made)


def test_when_time_runs_out_the_next_look_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "_PAGE", 3)
    desk.rule()
    calls(desk, 8)
    given = []
    for _ in range(4):
        looks = [True, True]  # for the rule, and for its first page
        given.append(evaluate_due(replace(desk.work(), go_on=partial(popped, looks))))
    desk.settle()
    assert given == [3, 3, 2, 0]
    assert {row["versions"] for row in desk.scores()} == {1}


def popped(looks: list[bool]) -> bool:
    return bool(looks) and looks.pop()


def test_the_share_is_the_same_traces_whoever_looks(desk: Desk) -> None:
    """About half of them, and both spans of a trace or none."""
    desk.rule({**LENGTH, "share": 0.5})
    traces = [trace_id() for _ in range(60)]
    for _ in range(2):
        desk.bench.spans(*(call_at(desk.now - 5 * MINUTE, trace=trace, output="x") for trace in traces))
    desk.look()
    judged = [row["trace_id"] for row in desk.scores()]
    assert 10 < len(set(judged)) < 50
    assert all(judged.count(trace) == 2 for trace in judged)


def test_an_evaluator_that_breaks_gives_no_verdict_and_stops_nothing(desk: Desk) -> None:
    desk.rule()
    broken, *_ = calls(desk, 3)
    judge = Length.judge

    def sometimes(self: Length, subject: object) -> object:
        if getattr(subject, "span_id", "") == broken.span_id:
            raise KeyError("boom")
        return judge(self, subject)  # type: ignore[arg-type]

    with mock.patch.object(Length, "judge", sometimes):
        assert desk.look() == 3
    found = {row["span_id"]: row for row in desk.scores()}
    assert found[broken.span_id]["value"] is None
    assert found[broken.span_id]["comment"] == "length failed: KeyError: 'boom'"
    assert sum(row["value"] is not None for row in found.values()) == 2


def test_a_full_inbox_leaves_the_cursor_where_it_is(desk: Desk) -> None:
    rule = desk.rule()
    calls(desk, 2)
    with mock.patch.object(desk.box, "add", side_effect=InboxFull("the spool is full")):
        assert evaluate_due(desk.work()) == 0
    rule.refresh_from_db()
    assert "the spool is full" in rule.error
    assert desk.look() == 2
    rule.refresh_from_db()
    assert (rule.error, rule.error_since, rule.claim) == ("", None, None)


def test_a_rule_that_cannot_be_read_says_so_and_stops_no_other(desk: Desk) -> None:
    gone = desk.rule({**LENGTH, "name": "A"})
    desk.rule({**LENGTH, "name": "B"})
    EvaluationRule.objects.filter(pk=gone.pk).update(evaluator="from a later version")
    calls(desk, 1)
    assert desk.look() == 1
    gone.refresh_from_db()
    assert "does not exist" in gone.error


def test_two_workers_do_not_carry_out_one_rule_at_once(desk: Desk) -> None:
    rule = desk.rule()
    calls(desk, 1)
    stale = EvaluationRule.objects.get()
    first = claim_take(rule, now=desk.now)
    assert first is not None
    assert claim_take(EvaluationRule.objects.get(), now=desk.now) is None
    assert claim_take(stale, now=desk.now) is None
    assert evaluate_due(desk.work()) == 0
    desk.now += timedelta(minutes=11)  # the first one died
    assert desk.look() == 1


def test_a_changed_rule_is_another_version_with_scores_of_its_own(desk: Desk) -> None:
    rule = desk.rule()
    calls(desk, 1)
    desk.look()
    rule = rule_update(rule=EvaluationRule.objects.get(), value={"name": "Renamed"}, by=None, now=desk.now)
    assert rule.version == 1
    rule = rule_update(rule=rule, value={"settings": {"most": 500}}, by=None, now=desk.now)
    assert rule.version == 2
    desk.bench.spans(call_at(desk.now, output="a later answer"))
    desk.now += MINUTE
    assert desk.look() == 1
    assert sorted(row["evaluator_version"] for row in desk.scores()) == ["1.1", "1.2"]


def test_a_rule_that_is_off_judges_nothing_and_begins_anew_when_it_is_on(desk: Desk) -> None:
    rule = desk.rule({**LENGTH, "enabled": False})
    calls(desk, 1)
    assert desk.look() == 0
    rule_update(rule=rule, value={"enabled": True}, by=None, now=desk.now)
    assert desk.look() == 0
    desk.bench.spans(call_at(desk.now, output="later"))
    desk.now += MINUTE
    assert desk.look() == 1


def test_scores_stay_when_the_rule_goes(desk: Desk) -> None:
    rule = desk.rule()
    calls(desk, 1)
    desk.look()
    rule_delete(rule=rule, now=desk.now)
    assert desk.look() == 0
    assert len(desk.scores()) == 1


def test_what_evaluators_asked_is_not_judged(desk: Desk) -> None:
    desk.rule()
    calls(desk, 1, properties={"spanmeter.evaluation": "some rule"})
    assert desk.look() == 0
