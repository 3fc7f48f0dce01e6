"""Evaluating the rules that are due: claim, read once a shape, judge, and write what changed.

A claim is an UPDATE that names what was there before; who changed no row was not first. Two workers therefore never
evaluate one rule at once, and a worker that slept through its own claim writes nothing: its claim is no longer the
rule's.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError
from django.db.models import Q

from apps.alerts.models import Rule, Watch
from apps.alerts.reading import Group, Shape, groups_read, shape_of, window_end
from apps.alerts.record import Seen, failure_record, looks_record
from apps.alerts.spec import RuleSpec, spec_from
from apps.analytics.run import QueryFailed, Reads, StoreUnavailable
from apps.api.rule_error import RuleError

__all__ = ["Claimed", "claim_due", "evaluate_due"]

_MOST = 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A rule that this worker, and no other, evaluates now."""

    rule: Rule
    claim: uuid.UUID


def claim_due(now: datetime, *, most: int = _MOST) -> list[Claimed]:
    """Take the rules that are due. One that was claimed in the future was so before the clock went back: it is due."""
    due = Rule.objects.filter(Q(next_at__lte=now) | Q(claimed_at__gt=now + timedelta(minutes=1)), enabled=True)
    claimed = []
    for rule in due.select_related("project").order_by("next_at")[:most]:
        claim, every = uuid.uuid4(), _every(rule)
        changed = Rule.objects.filter(pk=rule.pk, enabled=True, next_at=rule.next_at, claim=rule.claim).update(
            next_at=now + every, claimed_at=now, claim=claim
        )
        if changed == 1:
            claimed.append(Claimed(rule, claim))
    return claimed


def evaluate_due(reads: Reads, *, now: datetime, most: int = _MOST) -> int:
    """Evaluate what is due; return how many rules were."""
    claimed = claim_due(now, most=most)
    answers: dict[Shape, tuple[Group, ...]] = {}
    for one in claimed:
        try:
            spec = spec_from(one.rule.spec)
            groups = _groups(reads, one.rule, spec, answers, now=now)
            seen = _judged(spec, groups)
        except OperationalError:
            raise
        except Exception as error:
            # Not no data: nobody knows whether there is any. And one rule's trouble is no other rule's.
            expected = isinstance(error, RuleError | StoreUnavailable | QueryFailed)
            _log.warning("rule_failed", rule=str(one.rule.pk), error=str(error), exc_info=not expected)
            failure_record(one.rule, claim=one.claim, problem=f"{type(error).__name__}: {error}"[:500], now=now)
            continue
        looks_record(one.rule, spec, claim=one.claim, seen=seen, now=now)
    return len(claimed)


def _every(rule: Rule) -> timedelta:
    try:
        return spec_from(rule.spec).every
    except RuleError:
        return timedelta(minutes=5)  # whoever mends it makes it due


def _groups(
    reads: Reads, rule: Rule, spec: RuleSpec, answers: dict[Shape, tuple[Group, ...]], *, now: datetime
) -> tuple[Group, ...]:
    shape = shape_of(spec, project_id=rule.project_id, end=window_end(now, delay=spec.delay))
    known = [watch.labels for watch in Watch.objects.filter(rule=rule)]
    if known and spec.group_by:
        return groups_read(reads, spec, shape, known=known)
    if shape not in answers:
        answers[shape] = groups_read(reads, spec, shape)
    return answers[shape]


def _judged(spec: RuleSpec, groups: Sequence[Group]) -> list[Seen]:
    return [
        Seen(group.labels, verdict)
        for group in groups
        for verdict in spec.verdicts(group.series, [len(group.series.points) - 1])
    ]
