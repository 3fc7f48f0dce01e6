"""Judging: subjects, a rule and its evaluator → scores with ids that follow from rule, version and subject. Pure.

The same subject under the same version of a rule is the same score, whoever judges it and however often. An evaluator
that fails gives no verdict, with the reason: one bad subject stops nothing.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.analytics.subjects import SubjectRow
from apps.evals.evaluators import Evaluator, Subject, Verdict
from apps.evals.models import Target
from apps.evals.spec import RuleSpec, within_share
from ingestion.records import ScoreRecord
from ingestion.scores.rules import ERROR_TYPE, LONGEST_NAME, LONGEST_TEXT, MOST_METADATA, DataType, ScoreSource

__all__ = [
    "Candidate",
    "Run",
    "candidates_of",
    "record_of",
    "score_id",
    "subject_of",
    "verdict_from",
    "verdict_of",
    "verdict_written",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_META = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One version of one rule at work."""

    rule_id: str
    version: int
    project_id: int
    spec: RuleSpec
    evaluator: Evaluator

    @property
    def whole(self) -> bool:
        """Whether its scores are of traces."""
        return self.spec.target == Target.TRACE


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject and the id of its score."""

    id: str
    row: SubjectRow


def score_id(rule_id: str, version: int, trace_id: str, span_id: str) -> str:
    """`eval-<rule>-<24 hex digits>`; `span_id` is empty for a score of a trace."""
    place = f"{rule_id}/{version}/{trace_id}/{span_id}".encode()
    return f"eval-{rule_id}-{hashlib.blake2b(place, digest_size=12).hexdigest()}"


def candidates_of(run: Run, rows: Iterable[SubjectRow]) -> list[Candidate]:
    """Those of the rule's share, each once: a trace with two roots is one trace."""
    found: dict[str, Candidate] = {}
    for row in rows:
        if within_share(run.rule_id, row.trace_id, run.spec.share):
            name = score_id(run.rule_id, run.version, row.trace_id, "" if run.whole else row.span_id)
            found.setdefault(name, Candidate(name, row))
    return list(found.values())


def subject_of(run: Run, row: SubjectRow) -> Subject:
    """What the evaluator is given."""
    return Subject(
        project_id=str(run.project_id),
        trace_id=row.trace_id,
        span_id="" if run.whole else row.span_id,
        session_id=row.session_id,
        kind=row.kind,
        model=row.model,
        input=row.input,
        output=row.output,
        error=row.error_message,
        status=row.status,
        duration_seconds=row.duration,
        ttft_seconds=row.ttft,
        cost_usd=row.cost_usd,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        documents=row.documents,
        attributes=row.attributes,
        environment=row.environment,
    )


def verdict_of(evaluator: Evaluator, subject: Subject) -> Verdict:
    """Judge; whatever goes wrong is a verdict that was not given."""
    try:
        verdict = evaluator.judge(subject)
    except Exception as error:  # an evaluator's trouble with one subject is no other subject's
        return Verdict(reason=f"{evaluator.name} failed: {type(error).__name__}: {error}"[:500])
    if isinstance(verdict.value, float) and not math.isfinite(verdict.value):
        return Verdict(reason=f"{evaluator.name} said {verdict.value}, which is no number", cost_usd=verdict.cost_usd)
    if not verdict.given and not verdict.reason:
        return Verdict(reason=f"{evaluator.name} said nothing", cost_usd=verdict.cost_usd)
    return verdict


def record_of(run: Run, candidate: Candidate, verdict: Verdict) -> ScoreRecord:
    """The score of one subject. Its time is when the subject ended, so that history falls where it belongs."""
    row, value = candidate.row, verdict.value
    kind = run.evaluator.data_type
    if isinstance(value, bool):
        kind = DataType.BOOLEAN
    elif value is not None:
        kind = DataType.NUMBER
    elif verdict.text:
        kind = DataType.CATEGORY
    metadata = {
        name[:LONGEST_NAME]: text[:_MOST_META] for name, text in list(verdict.metadata.items())[: MOST_METADATA - 1]
    }
    if not verdict.given:
        metadata[ERROR_TYPE] = "no_verdict"
    at_ns = (min(row.end, row.received_at) - _EPOCH) // timedelta(microseconds=1) * 1000
    return ScoreRecord(
        project_id=run.project_id,
        id=candidate.id,
        trace_id=row.trace_id,
        span_id="" if run.whole else row.span_id,
        session_id=row.session_id[:LONGEST_NAME],
        name=run.spec.score_name,
        data_type=kind,
        value=None if value is None else float(value),
        text_value=verdict.text[:LONGEST_TEXT],
        source=ScoreSource.EVALUATOR,
        comment=(verdict.comment if verdict.given else verdict.reason)[:LONGEST_TEXT],
        evaluator=run.evaluator.name,
        evaluator_version=f"{run.evaluator.version}.{run.version}",
        environment=row.environment[:LONGEST_NAME],
        metadata=metadata,
        cost_usd=verdict.cost_usd,
        timestamp_ns=at_ns,
        received_ns=at_ns,
        updated_ns=at_ns,
    )


def verdict_written(verdict: Verdict) -> dict[str, Any]:
    """As JSON, to be kept."""
    return {
        "value": verdict.value,
        "text": verdict.text,
        "comment": verdict.comment,
        "reason": verdict.reason,
        "metadata": dict(verdict.metadata),
        "cost_usd": None if verdict.cost_usd is None else format(verdict.cost_usd, "f"),
    }


def verdict_from(value: Mapping[str, Any]) -> Verdict:
    """What `verdict_written` wrote."""
    try:
        cost = None if value.get("cost_usd") is None else Decimal(str(value["cost_usd"]))
    except InvalidOperation:
        cost = None
    return Verdict(
        value=value.get("value"),
        text=str(value.get("text", "")),
        comment=str(value.get("comment", "")),
        reason=str(value.get("reason", "")),
        metadata={str(name): str(text) for name, text in dict(value.get("metadata") or {}).items()},
        cost_usd=cost,
    )
