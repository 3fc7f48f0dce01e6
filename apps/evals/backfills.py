"""Back-fills: a rule led over history. Planned with a count and an estimate, started by a person, carried out in pages.

A page that was handed in twice has the same ids; a subject that has its score already is not judged again, so a
back-fill that is run again costs nothing for what is there.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import OperationalError

from apps.accounts.models import User
from apps.analytics.query import TimeRange
from apps.analytics.run import QueryFailed, Reads, StoreUnavailable
from apps.analytics.subjects import Window, lengths_read, scores_known, subjects_count, subjects_read
from apps.api.rule_error import RuleError
from apps.evals.asking import cost_usd
from apps.evals.estimate import SAMPLE, Price, estimate_of
from apps.evals.evaluate import Bench, Claim, claim_release, claim_renew, claim_take, page_judged, page_size, run_of
from apps.evals.evaluators import EVALUATORS, EvaluatorError
from apps.evals.models import Backfill, EvaluationRule, Target
from apps.evals.rules import spec_of
from apps.evals.run import candidates_of
from apps.evals.spec import RuleSpec
from ingestion.scores.inbox import InboxFull

__all__ = ["backfill_plan", "backfill_start", "backfill_stop", "backfills_go_on"]

_LONGEST = timedelta(days=366)
_log = structlog.get_logger(__name__)
State = Backfill.State


def backfill_plan(
    *, rule: EvaluationRule, start: datetime, end: datetime, by: User | None, reads: Reads, now: datetime
) -> Backfill:
    """Count what matches and say what judging it would cost. Nothing is judged before it is started."""
    end = min(end, now)
    if not timedelta(0) < end - start <= _LONGEST:
        said = f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is no range of the past"
        raise RuleError("start", said, "a start before the end, at most 366 days")
    spec = spec_of(rule)
    window = _window(rule, spec, start, end)
    total = subjects_count(reads, window)
    asks = EVALUATORS[spec.evaluator].asks
    found = estimate_of(
        subjects=total,
        share=spec.share,
        lengths=lengths_read(reads, window, limit=SAMPLE) if asks and total else (),
        rubric=sum(len(text) for text in spec.settings.values() if isinstance(text, str)),
        model=str(spec.settings.get("model", "")),
        price=_price(spec) if asks else None,
    )
    return Backfill.objects.create(
        rule=rule, version=rule.version, start=start, end=end, total=total, estimated_cost_usd=found.cost_usd,
        estimate=found.said[:300], created_by=by, created_at=now,
    )  # fmt: skip


def backfill_start(*, backfill: Backfill) -> bool:
    """Let the worker begin, or go on with one that was stopped or failed; say whether this call did it."""
    if backfill.version != backfill.rule.version:
        raise RuleError("state", "the rule was changed since this back-fill was planned", "a new back-fill")
    before = (State.PLANNED, State.STOPPED, State.FAILED)
    changed = Backfill.objects.filter(pk=backfill.pk, state__in=before).update(
        state=State.RUNNING, problem="", finished_at=None
    )
    return changed == 1


def backfill_stop(*, backfill: Backfill, now: datetime) -> bool:
    """Stop after the page that is under way; what was judged stays. Says whether this call did it."""
    changed = Backfill.objects.filter(pk=backfill.pk, state__in=Backfill.OPEN).update(
        state=State.STOPPED, finished_at=now
    )
    return changed == 1


def backfills_go_on(bench: Bench) -> int:
    """Go on with what runs, while there is time; return how many scores were handed in."""
    given = 0
    running = Backfill.objects.filter(state=State.RUNNING).order_by("created_at", "public_id")
    for backfill in running.select_related("rule", "rule__project"):
        if not bench.go_on():
            break
        claim = claim_take(backfill.rule, now=bench.clock())
        if claim is None:
            continue
        backfill.refresh_from_db(fields=["state", "cursor", "done"])
        try:
            given += _carried_on(bench, claim, backfill)
        except OperationalError:
            raise
        except (StoreUnavailable, QueryFailed, InboxFull) as problem:
            # It goes on by itself when the store or the spool is back.
            Backfill.objects.filter(pk=backfill.pk).update(problem=f"waiting: {problem}"[:500])
        except Exception as problem:
            _log.warning("backfill_failed", backfill=str(backfill.pk), exc_info=not isinstance(problem, RuleError))
            _ended(backfill, State.FAILED, now=bench.clock(), problem=f"{type(problem).__name__}: {problem}")
        claim_release(claim, now=bench.clock(), error=claim.rule.error)
    return given


def _carried_on(bench: Bench, claim: Claim, backfill: Backfill) -> int:
    rule, given = claim.rule, 0
    if backfill.version != rule.version:
        _ended(backfill, State.FAILED, now=bench.clock(), problem="the rule was changed; plan a new back-fill")
        return 0
    try:
        run = run_of(rule, bench.asker)
    except EvaluatorError as error:
        raise RuleError(error.field, error.message) from error
    window = _window(rule, run.spec, backfill.start, backfill.end)
    done = backfill.done
    place = backfill.cursor.get("place")
    while bench.go_on() and backfill.state == State.RUNNING:
        rows = subjects_read(
            bench.reads, window, after=None if place is None else (place[0], place[1], place[2]), limit=page_size(run)
        )
        bench.step("read")
        known = scores_known(bench.reads, rule.project_id, [one.id for one in candidates_of(run, rows)])
        scores = page_judged(bench, claim, run, rows, known=known)
        bench.step("judged")
        if scores is None or not claim_renew(claim, now=bench.clock()):
            break
        if scores:
            bench.box.add(rule.project_id, scores)
            given += len(scores)
        bench.step("handed in")
        last = len(rows) < page_size(run)
        done += len(rows)
        place = list(rows[-1].place) if rows else place
        Backfill.objects.filter(pk=backfill.pk).update(
            done=done, total=done if last else max(done, backfill.total), cursor={"place": place}, problem=""
        )
        bench.step("moved")
        if last:
            _ended(backfill, State.DONE, now=bench.clock())
            break
        backfill.refresh_from_db(fields=["state"])
    return given


def _ended(backfill: Backfill, state: str, *, now: datetime, problem: str = "") -> None:
    Backfill.objects.filter(pk=backfill.pk, state=State.RUNNING).update(
        state=state, finished_at=now, problem=problem[:500]
    )


def _window(rule: EvaluationRule, spec: RuleSpec, start: datetime, end: datetime) -> Window:
    return Window(
        project_id=rule.project_id, received=TimeRange(start, end), filters=spec.filters,
        roots=spec.target == Target.TRACE,
    )  # fmt: skip


def _price(spec: RuleSpec) -> Price:
    def price(tokens_in: Decimal, tokens_out: Decimal) -> Decimal | None:
        return cost_usd(
            settings.SPANMETER_HOME, route=str(spec.settings.get("route", "")),
            model=str(spec.settings.get("model", "")), tokens_in=tokens_in, tokens_out=tokens_out,
        )  # fmt: skip

    return price
