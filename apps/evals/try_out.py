"""A rule tried on the latest subjects before it is saved: nothing is written."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from apps.analytics.query import TimeRange
from apps.analytics.run import Reads
from apps.analytics.subjects import SubjectRow, Window, subjects_read
from apps.api.rule_error import RuleError
from apps.evals.asking import Asker
from apps.evals.evaluators import EVALUATORS, Verdict
from apps.evals.models import Target
from apps.evals.run import Run, subject_of, verdict_of
from apps.evals.spec import RuleSpec

__all__ = ["LATEST", "tried_on"]

LATEST = 5
_BACK = timedelta(days=7)


def tried_on(
    reads: Reads, spec: RuleSpec, *, project_id: int, asker: Asker, secrets: Mapping[str, str], now: datetime
) -> list[tuple[SubjectRow, Verdict]]:
    """Judge the latest subjects of a week. Raises RuleError when a model would have to be asked without a key."""
    asks = EVALUATORS[spec.evaluator].asks
    if asks and "gateway_key" not in secrets:
        raise RuleError("name", "a rule that asks a model is tried after it was saved", "save it switched off first")
    ask = asker("preview", spec.settings, secrets) if asks else None
    run = Run(rule_id="preview", version=0, project_id=project_id, spec=spec, evaluator=spec.judge(ask=ask))
    window = Window(
        project_id=project_id, received=TimeRange(now - _BACK, now), filters=spec.filters,
        roots=spec.target == Target.TRACE,
    )  # fmt: skip
    rows = subjects_read(reads, window, after=None, limit=LATEST, newest_first=True)
    return [(row, verdict_of(run.evaluator, subject_of(run, row))) for row in rows]
