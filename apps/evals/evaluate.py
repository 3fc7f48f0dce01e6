"""Carrying out evaluation rules: claim, read a page, judge it, hand the scores in, move the cursor.

In this order, so that a kill between any two steps leaves at worst scores that are handed in once more, under the same
ids. A claim is an UPDATE that names what was there before: two workers never carry out one rule at once, and one that
slept through its claim moves no cursor.
"""

import uuid
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError
from django.db.models import F, Q

from apps.analytics.run import QueryFailed, Reads, StoreUnavailable
from apps.analytics.subjects import SubjectRow
from apps.api.rule_error import RuleError
from apps.evals.asked import asked_prune, verdicts_asked
from apps.evals.asking import Asker, vault
from apps.evals.evaluators import EVALUATORS, EvaluatorError, Verdict
from apps.evals.models import EvaluationRule
from apps.evals.reading import page_read, position_from
from apps.evals.rules import spec_of
from apps.evals.run import Run, candidates_of, record_of, subject_of, verdict_of
from ingestion.records import ScoreRecord
from ingestion.scores.inbox import InboxFull, ScoreInbox

__all__ = [
    "Bench",
    "Claim",
    "claim_release",
    "claim_renew",
    "claim_take",
    "evaluate_due",
    "page_judged",
    "page_size",
    "run_of",
]

_LEASE = timedelta(seconds=180)  # longer than the slowest group of questions: two tries of a minute each
_PAGE, _PAGE_ASKED = 100, 20
_GROUP = 20  # subjects that are judged before the lease is held for longer
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What carrying out needs. `go_on` says whether there is time left; `step` is called between any two effects."""

    reads: Reads
    box: ScoreInbox
    asker: Asker
    clock: Callable[[], datetime]
    go_on: Callable[[], bool] = lambda: True
    step: Callable[[str], None] = lambda _name: None


@dataclass(frozen=True, slots=True)
class Claim:
    """A rule that this worker, and no other, carries out now."""

    rule: EvaluationRule
    token: uuid.UUID

    def held(self) -> Q:
        """The rule, while the claim is still this worker's."""
        return Q(pk=self.rule.pk, claim=self.token)


def claim_take(rule: EvaluationRule, *, now: datetime) -> Claim | None:
    """Take a rule unless somebody has it. A lease that ends far in the future is of a clock that went back."""
    until = rule.claimed_until
    if until is not None and now < until <= now + 2 * _LEASE:
        return None
    token = uuid.uuid4()
    taken = EvaluationRule.objects.filter(pk=rule.pk, claim=rule.claim, claimed_until=until).update(
        claim=token, claimed_until=now + _LEASE
    )
    if not taken:
        return None
    rule.refresh_from_db()  # somebody may have had it since it was read, and moved its cursor
    return Claim(rule, token)


def claim_release(claim: Claim, *, now: datetime, error: str = "") -> None:
    """Let go of a rule; `error` says why it could not be carried out."""
    rule = claim.rule
    since = (rule.error_since or now) if error else None
    EvaluationRule.objects.filter(claim.held()).update(
        claim=None, claimed_until=None, evaluated_at=now, error=error[:500], error_since=since
    )


def claim_renew(claim: Claim, *, now: datetime) -> bool:
    """Hold it for longer; False when somebody else has it."""
    return EvaluationRule.objects.filter(claim.held()).update(claimed_until=now + _LEASE) == 1


def run_of(rule: EvaluationRule, asker: Asker) -> Run:
    """The rule at work. Raises RuleError or EvaluatorError when this version cannot carry it out."""
    spec = spec_of(rule)
    kind = EVALUATORS[spec.evaluator]
    ask = asker(str(rule.pk), spec.settings, vault().open(rule.secrets)) if kind.asks else None
    evaluator = spec.judge(ask=ask)
    return Run(rule_id=str(rule.pk), version=rule.version, project_id=rule.project_id, spec=spec, evaluator=evaluator)


def evaluate_due(bench: Bench) -> int:
    """Carry out every enabled rule up to now, those that waited longest first; return how many scores were given."""
    given = 0
    rules = EvaluationRule.objects.filter(enabled=True).order_by(F("evaluated_at").asc(nulls_first=True), "pk")
    for rule in rules.select_related("project"):
        if not bench.go_on():
            break
        claim = claim_take(rule, now=bench.clock())
        if claim is None:
            continue
        error = ""
        try:
            given += _carried_out(bench, claim)
        except OperationalError:
            raise
        except Exception as problem:
            # One rule's trouble is no other rule's; its cursor stays, and the next look tries again.
            expected = isinstance(problem, RuleError | EvaluatorError | StoreUnavailable | QueryFailed | InboxFull)
            _log.warning("evaluation_failed", rule=str(rule.pk), error=str(problem), exc_info=not expected)
            error = f"{type(problem).__name__}: {problem}"
        claim_release(claim, now=bench.clock(), error=error)
    return given


def page_judged(
    bench: Bench, claim: Claim, run: Run, rows: Sequence[SubjectRow], *, known: Container[str] = ()
) -> list[ScoreRecord] | None:
    """Return the scores of a page, but for those known; None when time or the claim ran out before its end."""
    candidates = [one for one in candidates_of(run, rows) if one.id not in known]
    verdicts: dict[str, Verdict] | None
    if run.evaluator.asks:
        verdicts = verdicts_asked(
            claim.rule, run, candidates, now=bench.clock(), step=bench.step, go_on=lambda: _renewed(bench, claim)
        )
        if verdicts is None:
            return None
    else:
        verdicts = {}
        for place, one in enumerate(candidates, 1):
            verdicts[one.id] = verdict_of(run.evaluator, subject_of(run, one.row))
            if place % _GROUP == 0 and not claim_renew(claim, now=bench.clock()):
                return None
    return [record_of(run, one, verdicts[one.id]) for one in candidates]


def page_size(run: Run) -> int:
    """Subjects of one page: few where each is a question to a model."""
    return _PAGE_ASKED if run.evaluator.asks else _PAGE


def _carried_out(bench: Bench, claim: Claim) -> int:
    rule, given = claim.rule, 0
    run = run_of(rule, bench.asker)
    position = position_from(rule.cursor, now=bench.clock())
    while bench.go_on():
        page = page_read(
            bench.reads, position, project_id=rule.project_id, filters=run.spec.filters, roots=run.whole,
            now=bench.clock(), limit=page_size(run),
        )  # fmt: skip
        bench.step("read")
        scores = page_judged(bench, claim, run, page.rows)
        bench.step("judged")
        if scores is None:
            break
        if scores:
            bench.box.add(rule.project_id, scores)
            given += len(scores)
        bench.step("handed in")
        now = bench.clock()
        moved = EvaluationRule.objects.filter(claim.held(), version=rule.version).update(
            cursor=page.position.written(), claimed_until=now + _LEASE
        )
        bench.step("moved")
        if not moved:
            break  # somebody else has the rule, or it was changed: what was handed in stands under its own version
        position = page.position
        if not page.more:
            break
    if run.evaluator.asks:
        asked_prune(rule, now=bench.clock())
    return given


def _renewed(bench: Bench, claim: Claim) -> bool:
    """Whether to ask on: there is time, and the rule is still this worker's."""
    return bench.go_on() and claim_renew(claim, now=bench.clock())
