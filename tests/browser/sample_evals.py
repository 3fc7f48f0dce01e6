"""Made-up evaluation rules and back-fills: rows of the application's database, one project a size."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Project, User
from apps.analytics.run import StoreUnavailable
from apps.analytics.subjects import RuleScores, SubjectRow
from apps.evals.evaluators import Verdict
from apps.evals.models import Backfill, EvaluationRule
from tests.browser.sample import HOSTILE, NOW

__all__ = ["EVAL_PAGES", "eval_answers", "eval_id", "fill_evals"]

EVAL_PAGES = {
    "evals": "",
    "evals-choose": "new/",
    "evals-new": "new/groundedness/",
    "evals-rule": "rules/{rule}/",
    "evals-backfills": "backfills/",
    "evals-backfill": "backfills/{backfill}/",
}
_RULES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Are answers supported by their sources?", "groundedness", "groundedness", {}),
    ("Does it refuse?", "refusal", "refusal", {}),
    ("Short enough for a phone", "length", "length", {"most": 400}),
    ("The JSON that the app expects", "valid_json", "json_valid", {}),
    ("No personal data", "personal_data", "personal_data", {}),
)
_State = Backfill.State


def eval_id(what: str, size: str) -> str:
    """The id of a row that an address names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"evals/{what}/{size}"))


def fill_evals(project: Project, size: str, person: User) -> None:
    """Put the rows of a size into a project."""
    if size == "none":
        return
    wanted = _RULES[:1] if size == "little" else _RULES
    rules = [
        EvaluationRule.objects.create(
            public_id=eval_id("rule" if not number else f"rule{number}", size),
            project=project,
            name=HOSTILE[:110] if size == "broken" and not number else name,
            score_name=score,
            evaluator=evaluator,
            settings=settings,
            enabled=number != 3,
            share=0.1 if number == 1 else 1.0,
            evaluated_at=NOW - timedelta(seconds=9),
            error="The store does not answer: it was asked again." if size == "broken" and number < 2 else "",
            error_since=NOW - timedelta(minutes=12) if size == "broken" and number < 2 else None,
            created_by=person,
        )
        for number, (name, score, evaluator, settings) in enumerate(wanted)
    ]
    states = [_State.RUNNING] if size == "little" else [*_State, *_State]
    for number, state in enumerate(states):
        total = 18_204 if number else 40_117
        Backfill.objects.create(
            public_id=eval_id("backfill" if not number else f"backfill{number}", size),
            rule=rules[0],
            version=1,
            start=NOW - timedelta(days=30),
            end=NOW,
            state=state,
            done={_State.DONE: total, _State.PLANNED: 0}.get(state, total // 3),
            total=total,
            estimated_cost_usd=Decimal("12.40") if number % 2 else None,
            estimate="about $12.40 by 20 of its inputs" if number % 2 else "costs nothing: no model is asked",
            problem=HOSTILE[:300] if state is _State.FAILED else "",
            created_at=NOW - timedelta(hours=number),
            created_by=person,
        )


def eval_answers(size: Callable[[], str]) -> dict[str, Callable[..., Any]]:
    """What the pages read of the store."""

    def scores(_reads: object, _project: int, *, since: object) -> dict[str, RuleScores]:
        if size() == "broken":
            raise StoreUnavailable("ClickHouse at 127.0.0.1:9000 does not answer")
        ids = [eval_id("rule" if not number else f"rule{number}", size()) for number in range(len(_RULES) - 1)]
        return {
            one: RuleScores(one, 1200 * 7**number, 1100 * 7**number, 0.91 - number / 5, 0.75, "", NOW)
            for number, one in enumerate(ids)
        }

    def tried(*_given: object, **_named: object) -> list[tuple[SubjectRow, Verdict]]:
        if size() == "broken":
            raise StoreUnavailable("ClickHouse at 127.0.0.1:9000 does not answer")
        verdicts = [
            Verdict(value=0.92, comment="11 of 12 claims are supported"),
            Verdict(value=0.18, comment="The days of delivery are in none of the documents"),
            Verdict(reason="there is no evidence: no document and no context in the prompt"),
        ]
        return [(_subject(number), verdict) for number, verdict in enumerate(verdicts)] if size() == "much" else []

    return {"rule_scores_read": scores, "tried_on": tried}


def _subject(number: int) -> SubjectRow:
    at = NOW - timedelta(minutes=number)
    return SubjectRow(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        session_id="",
        kind="llm",
        model="gpt-4o-mini",
        provider="openai",
        input="How long does delivery to Pune take?",
        output=HOSTILE if number else "Two days, and five to every other city.",
        error_message="",
        status="ok",
        duration=1.2,
        ttft=0.3,
        cost_usd=Decimal("0.00041"),
        input_tokens=410,
        output_tokens=22,
        attributes={},
        environment="production",
        start=at,
        end=at,
        received_at=at,
    )
