"""Verdicts of evaluators that ask a model, so that nobody pays twice for one subject.

Before a model is asked, a row says so; afterwards it holds the verdict. A worker that was killed in between leaves a
row without one: the model may have answered and cost money, so it is not asked again, and the score says why there is
no verdict.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from apps.evals.evaluators import Verdict
from apps.evals.models import Asked, EvaluationRule
from apps.evals.run import Candidate, Run, subject_of, verdict_from, verdict_of, verdict_written

__all__ = ["AT_ONCE", "asked_prune", "verdicts_asked"]

AT_ONCE = 4  # questions that are under way together
_KEPT = timedelta(days=1)
_CUT_OFF = "the worker was stopped while a model was asked; it was not asked again, so that nobody pays twice"


def verdicts_asked(
    rule: EvaluationRule,
    run: Run,
    candidates: Sequence[Candidate],
    *,
    now: datetime,
    step: Callable[[str], None],
    go_on: Callable[[], bool],
) -> dict[str, Verdict] | None:
    """Return the verdict of every candidate, asking only about those that nobody asked about.

    None when `go_on` says stop: what was answered is kept for the next time.
    """
    found = {
        row.score_id: verdict_from(row.verdict) if row.verdict else Verdict(reason=_CUT_OFF)
        for row in Asked.objects.filter(rule=rule, score_id__in=[one.id for one in candidates])
    }
    left = [one for one in candidates if one.id not in found]
    for start in range(0, len(left), AT_ONCE):
        if not go_on():
            return None
        some = left[start : start + AT_ONCE]
        Asked.objects.bulk_create([Asked(rule=rule, score_id=one.id, at=now) for one in some])
        step("asking")
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="judge") as pool:
            verdicts = list(pool.map(lambda one: verdict_of(run.evaluator, subject_of(run, one.row)), some))
        step("answered")
        for one, verdict in zip(some, verdicts, strict=True):
            Asked.objects.filter(rule=rule, score_id=one.id).update(verdict=verdict_written(verdict))
            found[one.id] = verdict
        step("remembered")
    return found


def asked_prune(rule: EvaluationRule, *, now: datetime) -> None:
    """Forget what is so old that its score is in the store."""
    Asked.objects.filter(rule=rule, at__lt=now - _KEPT).delete()
