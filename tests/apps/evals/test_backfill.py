"""Back-fills: counted and estimated before they start, resumed after a kill, stopped, and never paid for twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.api.rule_error import RuleError
from apps.evals import evaluate
from apps.evals.backfills import backfill_plan, backfill_start, backfill_stop, backfills_go_on
from apps.evals.models import Asked, Backfill, EvaluationRule
from apps.evals.services import rule_update
from tests.apps.evals.judging import LENGTH, Desk
from tests.apps.evals.test_evaluate import calls
from tests.ingestion.world import Interrupt, interrupting
from tests.rows import call_at

ORACLE = {"name": "Judge", "evaluator": "oracle", "settings": {"model": "gpt-4o"}, "share": 0.5}
HOUR = timedelta(hours=1)


def planned(desk: Desk, rule: EvaluationRule) -> Backfill:
    return backfill_plan(rule=rule, start=desk.now - HOUR, end=desk.now, by=None, reads=desk.reads, now=desk.now)


def go_on(desk: Desk) -> int:
    given = backfills_go_on(desk.work())
    desk.settle()
    return given


def test_history_is_judged_when_it_is_asked_for(desk: Desk) -> None:
    rule = desk.rule(ago=timedelta(0))
    made = calls(desk, 5)
    desk.bench.spans(call_at(desk.now - 3 * HOUR, output="older"))
    backfill = planned(desk, rule)
    assert (backfill.total, backfill.estimated_cost_usd) == (5, Decimal(0))
    assert "costs nothing" in backfill.estimate
    assert go_on(desk) == 0
    assert backfill_start(backfill=backfill)
    assert go_on(desk) == 5
    backfill.refresh_from_db()
    assert (backfill.state, backfill.done, backfill.total) == ("done", 5, 5)
    assert sorted(row["span_id"] for row in desk.scores()) == sorted(one.span_id for one in made)


def test_the_cost_of_asking_is_said_before_and_unknown_is_said_as_unknown(desk: Desk) -> None:
    calls(desk, 30, input="x" * 4000)
    known = planned(desk, desk.rule(ORACLE))
    assert known.estimated_cost_usd is not None
    # 15 questions of about 1,400 tokens at a few dollars a million.
    assert Decimal("0.01") < known.estimated_cost_usd < Decimal("1")
    assert "15 of 30 subjects" in known.estimate
    unknown = planned(desk, desk.rule({**ORACLE, "name": "Other", "settings": {"model": "home-made"}}))
    assert unknown.estimated_cost_usd is None
    assert "unknown: no price list has home-made" in unknown.estimate


@pytest.mark.parametrize("at", ["read", "asking", "remembered", "judged", "handed in", "moved"])
def test_a_killed_back_fill_goes_on_where_it_was(desk: Desk, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "_PAGE_ASKED", 3)
    rule = desk.rule({**ORACLE, "share": 1.0}, ago=timedelta(0))
    made = calls(desk, 8)
    backfill_start(backfill=planned(desk, rule))
    desk.step = interrupting(at, time=2)
    with pytest.raises(Interrupt):
        backfills_go_on(desk.work())
    desk.step = lambda _name: None
    desk.settle()
    EvaluationRule.objects.update(claim=None, claimed_until=None)
    go_on(desk)
    backfill = Backfill.objects.get()
    assert (backfill.state, backfill.done) == ("done", 8)
    assert sorted(row["span_id"] for row in desk.scores()) == sorted(one.span_id for one in made)
    assert len(desk.asked) == len(set(desk.asked))


def test_what_has_its_score_is_not_paid_for_again(desk: Desk) -> None:
    """Live reading judged three of five; days later the memory of what was asked is gone."""
    rule = desk.rule({**ORACLE, "share": 1.0})
    calls(desk, 3)
    desk.look()
    Asked.objects.all().delete()
    desk.bench.spans(*(call_at(desk.now - timedelta(minutes=50), output=f"old {number}") for number in range(2)))
    backfill_start(backfill=planned(desk, rule))
    assert go_on(desk) == 2
    assert len(desk.asked) == 5
    assert {row["versions"] for row in desk.scores()} == {1}


def test_stopped_it_stays_stopped_until_it_is_started_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "_PAGE", 2)
    rule = desk.rule(ago=timedelta(0))
    calls(desk, 6)
    backfill = planned(desk, rule)
    backfill_start(backfill=backfill)

    def stop(name: str) -> None:
        if name == "handed in":
            backfill_stop(backfill=backfill, now=desk.now)

    desk.step = stop
    assert go_on(desk) == 2
    desk.step = lambda _name: None
    assert go_on(desk) == 0
    backfill.refresh_from_db()
    assert (backfill.state, backfill.done, backfill.total) == ("stopped", 2, 6)
    assert backfill_start(backfill=backfill)
    assert go_on(desk) == 4


def test_a_rule_that_was_changed_ends_its_back_fill(desk: Desk) -> None:
    rule = desk.rule(ago=timedelta(0))
    calls(desk, 2)
    backfill = planned(desk, rule)
    backfill_start(backfill=backfill)
    rule_update(rule=rule, value={"settings": {"most": 1}}, by=None, now=desk.now)
    assert go_on(desk) == 0
    backfill.refresh_from_db()
    assert (backfill.state, "was changed" in backfill.problem) == ("failed", True)
    with pytest.raises(RuleError, match="was changed"):
        backfill_start(backfill=Backfill.objects.select_related("rule").get())


def test_a_range_that_is_none_is_refused(desk: Desk) -> None:
    rule = desk.rule(LENGTH)
    with pytest.raises(RuleError, match="no range"):
        backfill_plan(rule=rule, start=desk.now, end=desk.now - HOUR, by=None, reads=desk.reads, now=desk.now)
