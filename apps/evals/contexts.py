"""What the pages of evaluation rules and back-fills may use: one documented field a variable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.evals.models import Backfill, EvaluationRule

__all__ = [
    "BackfillContext",
    "BackfillsContext",
    "EvaluatorChoice",
    "EvaluatorsContext",
    "RuleContext",
    "RuleLine",
    "RulesContext",
    "TriedLine",
    "TriedPart",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in the list. `said` is what it judges in words; numbers are those of the last seven days."""

    rule: EvaluationRule
    said: str
    state: str
    tone: str
    reason: str
    last: str  # the last score in words
    last_at: datetime | None
    mean: str
    per_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesContext:
    """The list of rules. `problem` says why there are no numbers."""

    lines: Sequence[RuleLine]
    problem: str
    may_change: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class EvaluatorChoice:
    """One evaluator to choose."""

    name: str
    title: str
    help: str
    asks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorsContext:
    """What a new rule may judge with."""

    evaluators: Sequence[EvaluatorChoice]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedLine:
    """One subject and what the rule would say of it."""

    href: str
    name: str
    at: datetime
    output: str
    verdict: str
    tone: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPart:
    """What the rule would say of the latest subjects. `problem` stands in its place when it could not be tried."""

    lines: Sequence[TriedLine] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """One rule, to be changed or made. `rule` is None for a new one; `fields` are the evaluator's settings."""

    form: Any
    fields: Sequence[Any]
    rule: EvaluationRule | None
    evaluator: EvaluatorChoice
    tried: TriedPart | None
    backfill_form: Any
    backfills: Sequence[Backfill]
    scores_href: str
    may_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillsContext:
    """The list of back-fills, newest first."""

    backfills: Sequence[Backfill]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillContext:
    """One back-fill. `share` is how much of it is done; `running` whether the page keeps looking."""

    backfill: Backfill
    share: float
    running: bool
    may_start: bool
    may_stop: bool
    may_change: bool
    now: datetime
