"""Where live reading stands: many batches at once, batches of one moment, time that runs out, clocks that go back."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from apps.analytics import subjects
from apps.evals import evaluate
from apps.evals.evaluate import evaluate_due
from apps.evals.evaluators import Subject, Verdict
from apps.evals.evaluators.length import Length
from apps.evals.models import EvaluationRule
from ingestion.records import BILLED_BY_GATEWAY, CostStatus, SpanKind
from tests.apps.evals.judging import LENGTH, Desk
from tests.apps.evals.test_evaluate import calls, popped
from tests.rows import call_at, span_at, trace_id

MINUTE = timedelta(minutes=1)


def test_more_batches_than_are_read_at_once_lose_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of one millisecond, which belong together, and some after it."""
    monkeypatch.setattr(subjects, "_MOST_BATCHES", 2)
    monkeypatch.setattr(evaluate, "_PAGE", 2)
    desk.rule()
    moments = [desk.now - 3 * MINUTE] * 3 + [desk.now - 2 * MINUTE, desk.now - MINUTE]
    made = [call_at(desk.now - 5 * MINUTE, output=f"answer {number}") for number in range(10)]
    for number, moment in enumerate(moments):
        desk.arrive(*made[2 * number : 2 * number + 2], written=moment)
    assert desk.look() == 10
    assert desk.look() == 0
    found = desk.scores()
    assert sorted(row["span_id"] for row in found) == sorted(one.span_id for one in made)
    assert {row["versions"] for row in found} == {1}


def test_time_that_runs_out_while_a_model_is_asked_costs_nothing_twice(desk: Desk) -> None:
    desk.rule({"name": "Judge", "evaluator": "oracle", "settings": {"model": "m"}})
    calls(desk, 10)
    given = []
    for _ in range(4):
        looks = [True, True, True]  # for the rule, for its page, and for one group of questions
        given.append(evaluate_due(replace(desk.work(), go_on=partial(popped, looks))))
    desk.settle()
    assert (given[:2], sum(given)) == ([0, 0], 10)
    assert len(desk.asked) == len(set(desk.asked)) == 10
    assert len(desk.scores()) == 10


def test_a_clock_that_goes_back_judges_nothing_twice(desk: Desk) -> None:
    desk.rule()
    calls(desk, 2)
    assert desk.look() == 2
    desk.now -= timedelta(hours=3)
    assert desk.look() == 0
    desk.now += timedelta(hours=3, minutes=1)
    desk.bench.spans(call_at(desk.now - MINUTE / 2, output="new"))
    assert desk.look() == 1
    assert {row["versions"] for row in desk.scores()} == {1}


def test_an_outsiders_calls_are_nobodys_subjects(desk: Desk, people: object) -> None:
    """The same trace id in another project is another trace."""
    (mine,) = calls(desk, 1)
    rule = desk.rule()
    other = replace(desk, project=people.other)  # type: ignore[attr-defined]
    other.bench.spans(call_at(desk.now - 5 * MINUTE, trace=mine.trace_id, output="theirs"))
    assert desk.look() == 1
    (row,) = desk.scores()
    assert row["span_id"] == mine.span_id
    assert EvaluationRule.objects.get() == rule


def test_a_call_that_gateway_and_sdk_have_seen_is_judged_once(desk: Desk) -> None:
    """Of the two the one that bills; a rule that names the other's source gets that one."""
    trace, at = trace_id(), desk.now - 5 * MINUTE
    billed = call_at(at, trace=trace, source="gateway", output="good")
    repeated = call_at(
        at, trace=trace, source="otlp", output="good", cost=None,
        billable=False, cost_status=CostStatus.NOT_BILLABLE, cost_reason=BILLED_BY_GATEWAY,
    )  # fmt: skip
    desk.bench.spans(repeated, billed)
    desk.rule()
    assert desk.look() == 1
    assert [row["span_id"] for row in desk.scores()] == [billed.span_id]
    desk.rule({**LENGTH, "name": "SDKs", "filters": [{"field": "source", "values": ["otlp"]}]})
    desk.look()
    assert sorted(row["span_id"] for row in desk.scores()) == sorted([billed.span_id, repeated.span_id])


def test_an_evaluator_sees_the_documents_of_the_trace_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.rule()
    trace, start = trace_id(), desk.now - 5 * MINUTE
    found = [
        span_at(start + timedelta(seconds=place), trace=trace, kind=SpanKind.RETRIEVER, output=text)
        for place, text in ((1, "second"), (0, "first"))
    ]
    desk.bench.spans(*found, call_at(start + timedelta(seconds=2), trace=trace, input="q", output="a"))
    seen: list[Subject] = []
    judge = Length.judge

    def watched(self: Length, subject: Subject) -> Verdict:
        seen.append(subject)
        return judge(self, subject)

    monkeypatch.setattr(Length, "judge", watched)
    assert desk.look() == 1, EvaluationRule.objects.get().error
    (subject,) = seen
    assert subject.documents == ("first", "second")
    assert (subject.input, subject.output, subject.model) == ("q", "a", "gpt-4o")
    assert (subject.duration_seconds, subject.input_tokens, str(subject.cost_usd)) == (1.0, 100, "0.01")
