"""A worker that is killed between any two steps: one score for each subject, and nobody pays twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.evals.evaluate import evaluate_due
from apps.evals.models import Asked, EvaluationRule
from tests.apps.evals.judging import LENGTH, Desk
from tests.apps.evals.test_evaluate import calls
from tests.ingestion.world import Interrupt, interrupting

STEPS = ("read", "asking", "answered", "remembered", "judged", "handed in", "moved")
ORACLE = {"name": "Judge", "evaluator": "oracle", "settings": {"model": "m"}, "score_name": "wisdom"}


def killed_at(desk: Desk, step: Callable[[str], None]) -> bool:
    """Look once with a worker that dies; say whether it did. Its claim runs out."""
    desk.step = step
    try:
        evaluate_due(desk.work())
    except Interrupt:
        return True
    finally:
        desk.step = lambda _name: None
        EvaluationRule.objects.update(claim=None, claimed_until=None)
    return False


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize("asks", [True, False], ids=["a model is asked", "no model"])
def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(desk: Desk, at: str, asks: bool) -> None:
    desk.rule(ORACLE if asks else LENGTH)
    made = calls(desk, 6)
    died = killed_at(desk, interrupting(at))
    assert died == (asks or at not in {"asking", "answered", "remembered"})
    desk.settle()
    desk.look()
    assert desk.look() == 0
    found = desk.scores()
    assert sorted(row["span_id"] for row in found) == sorted(one.span_id for one in made)
    if asks:
        assert len(desk.asked) == len(set(desk.asked)), "somebody paid twice"
        without = [row for row in found if row["value"] is None]
        # Only what was under way when the worker died has no verdict, and says so.
        assert len(without) == (4 if at in {"asking", "answered"} else 0)
        assert all("nobody pays twice" in row["comment"] for row in without)
        assert len(desk.asked) == (2 if at == "asking" else 6)
    else:
        assert all(row["value"] is not None for row in found)


def test_a_worker_that_dies_again_and_again_comes_to_an_end(desk: Desk) -> None:
    """Killed at every step in turn, over and over."""
    desk.rule(ORACLE)
    made = calls(desk, 30)
    steps = iter(name for _ in range(20) for name in STEPS)
    for name in steps:
        if not killed_at(desk, interrupting(name)):
            break
    desk.look()
    found = desk.scores()
    assert sorted(row["span_id"] for row in found) == sorted(one.span_id for one in made)
    assert len(desk.asked) == len(set(desk.asked))


def test_what_was_asked_is_forgotten_after_a_day(desk: Desk) -> None:
    desk.rule(ORACLE)
    calls(desk, 2)
    desk.look()
    assert Asked.objects.count() == 2
    desk.now += timedelta(days=2)
    desk.look()
    assert Asked.objects.count() == 0
