"""Writing what one evaluation found: state, incidents, transitions and the outbox, all or nothing.

The first statement of the transaction asks whether the claim still holds; if not, nothing is written.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.alerts.detectors import Verdict
from apps.alerts.labels import fingerprint_of
from apps.alerts.models import Incident, Rule, Transition, Watch
from apps.alerts.outbox import Said, enqueue, quiet_of, rule_note
from apps.alerts.spec import RuleSpec
from apps.alerts.state import Outcome, Phase, State, Step, step

__all__ = ["Seen", "end_all", "failure_record", "looks_record"]

_PATIENCE = timedelta(minutes=10)  # an error is told when it has lasted
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """One group and what was said of it."""

    labels: Mapping[str, str]
    verdict: Verdict


def looks_record(rule: Rule, spec: RuleSpec, *, claim: uuid.UUID, seen: Sequence[Seen], now: datetime) -> bool:
    """Lead every group one step on; False when the claim was lost."""
    with transaction.atomic():
        held = Rule.objects.filter(pk=rule.pk, claim=claim, enabled=True).update(
            evaluated_at=now, last=_last(seen), error="", error_since=None, error_told=False
        )
        if not held:
            return False
        channels = list(rule.channels.all())
        quiet = quiet_of(rule.project_id, now)
        if rule.error_told:
            text = f"{rule.name} can be evaluated again"
            rule_note(rule, spec, kind="rule.recovered", text=text, now=now, channels=channels, quiet=quiet)
        changes = _stepped(rule, spec, seen, now=now)
        for kind, phase in (("alert.firing", Phase.FIRING), ("alert.resolved", Phase.RESOLVED)):
            if said := [one for one in changes if one.transition.after == phase]:
                enqueue(rule, spec, kind=kind, said=said, now=now, channels=channels, quiet=quiet)
        if still := _due_again(rule, seen, now=now):
            enqueue(rule, spec, kind="alert.reminder", said=still, now=now, channels=channels, quiet=quiet)
        if told := [one.incident.pk for one in [*changes, *still]]:
            Incident.objects.filter(pk__in=told).update(notified_at=now)
    return True


def failure_record(rule: Rule, *, claim: uuid.UUID, problem: str, now: datetime) -> bool:
    """The evaluation itself failed: no state changes. Told once, when it has lasted."""
    with transaction.atomic():
        since = rule.error_since or now
        tell = now - since >= _PATIENCE and not rule.error_told
        held = Rule.objects.filter(pk=rule.pk, claim=claim).update(
            error=problem, error_since=since, error_told=rule.error_told or tell
        )
        if held and tell:
            text = f"{rule.name} cannot be evaluated since {since:%Y-%m-%d %H:%M} UTC: {problem}"
            rule_note(
                rule, None, kind="rule.error", text=text, now=now,
                channels=list(rule.channels.all()), quiet=quiet_of(rule.project_id, now),
            )  # fmt: skip
    return bool(held)


def end_all(rule: Rule, spec: RuleSpec | None, *, reason: str, now: datetime) -> None:
    """Resolve what is open: the rule was changed or switched off. The caller holds the transaction."""
    said = []
    for incident in Incident.objects.filter(rule=rule, resolved_at=None):
        incident.resolved_at = now
        incident.save(update_fields=["resolved_at"])
        said.append(
            Said(
                incident,
                Transition.objects.create(
                    rule=rule, incident=incident, fingerprint=incident.fingerprint, labels=incident.labels,
                    before=Phase.FIRING, after=Phase.RESOLVED, at=now, outcome=Outcome.UNSURE, reason=reason,
                ),
            )
        )  # fmt: skip
    Watch.objects.filter(rule=rule).delete()
    if said and spec is not None:
        enqueue(
            rule, spec, kind="alert.resolved", said=said, now=now,
            channels=list(rule.channels.all()), quiet=quiet_of(rule.project_id, now),
        )  # fmt: skip


def _stepped(rule: Rule, spec: RuleSpec, seen: Iterable[Seen], *, now: datetime) -> list[Said]:
    """Returns the changes that concern an incident."""
    watches = {watch.fingerprint: watch for watch in Watch.objects.select_related("incident").filter(rule=rule)}
    said = []
    for one in seen:
        fingerprint = fingerprint_of(str(rule.pk), one.labels)
        watch = watches.get(fingerprint)
        state, change = step(_state_of(watch), one.verdict.outcome, now=now, policy=spec.policy)
        incident = watch.incident if watch else None
        if change:
            incident = _incident(rule, one, change, incident, fingerprint=fingerprint)
            transition = _transition(rule, one, change, incident, fingerprint=fingerprint)
            if incident is not None:
                said.append(Said(incident, transition))
        _keep(rule, one, state, watch, incident, fingerprint=fingerprint)
    return said


def _incident(rule: Rule, one: Seen, change: Step, incident: Incident | None, *, fingerprint: str) -> Incident | None:
    if change.after is Phase.FIRING:
        return Incident.objects.create(
            project_id=rule.project_id, rule=rule, fingerprint=fingerprint, labels=dict(one.labels),
            severity=rule.severity, started_at=change.at, value=one.verdict.value, baseline=one.verdict.baseline,
            reason=one.verdict.reason[:500], notified_at=change.at,
        )  # fmt: skip
    if change.after is Phase.RESOLVED and incident is not None:
        incident.resolved_at = change.at
        incident.save(update_fields=["resolved_at"])
        return incident
    return None


def _transition(rule: Rule, one: Seen, change: Step, incident: Incident | None, *, fingerprint: str) -> Transition:
    verdict = one.verdict
    return Transition.objects.create(
        rule=rule, incident=incident, fingerprint=fingerprint, labels=dict(one.labels), before=change.before,
        after=change.after, at=change.at, outcome=verdict.outcome, value=verdict.value, baseline=verdict.baseline,
        lower=verdict.lower, upper=verdict.upper, reason=verdict.reason[:500],
    )  # fmt: skip


def _state_of(watch: Watch | None) -> State:
    if watch is None:
        return State()
    return State(
        phase=Phase(watch.phase), since=watch.since, seen=watch.seen, breached=watch.breached,
        breached_for=watch.breached_for, clear=watch.clear, clear_for=watch.clear_for,
    )  # fmt: skip


def _keep(
    rule: Rule, one: Seen, state: State, watch: Watch | None, incident: Incident | None, *, fingerprint: str
) -> None:
    """A group that is calm needs no row: the next look starts from nothing."""
    if state.phase in {Phase.INACTIVE, Phase.RESOLVED}:
        if watch is not None:
            watch.delete()
        return
    kept = watch or Watch(rule=rule, fingerprint=fingerprint, labels=dict(one.labels))
    kept.phase, kept.since, kept.seen = state.phase, state.since, state.seen
    kept.breached, kept.breached_for = state.breached, state.breached_for
    kept.clear, kept.clear_for = state.clear, state.clear_for
    kept.incident = incident
    kept.save()


def _due_again(rule: Rule, seen: Sequence[Seen], *, now: datetime) -> list[Said]:
    """Open incidents of which nothing was said for the repeat interval. Somebody who acknowledged knows."""
    if not rule.repeat_seconds:
        return []
    before = now - timedelta(seconds=rule.repeat_seconds)
    open_still = Incident.objects.filter(rule=rule, resolved_at=None, acknowledged_at=None, notified_at__lte=before)
    verdicts = {fingerprint_of(str(rule.pk), one.labels): one.verdict for one in seen}
    found = []
    for incident in open_still:
        verdict = verdicts.get(incident.fingerprint)
        last = incident.transitions.filter(after=Phase.FIRING).last()
        if last is None:
            continue
        if verdict is not None and verdict.value is not None:
            # Said with today's numbers; no row, for the phase has not changed.
            last.at, last.value, last.baseline, last.reason = now, verdict.value, verdict.baseline, verdict.reason[:500]
        found.append(Said(incident, last))
    return found


def _last(seen: Sequence[Seen]) -> dict[str, object]:
    """What the rule's page shows without asking the store: the groups that are worst off."""
    order = list(Outcome)
    worst = sorted(seen, key=lambda one: (order.index(one.verdict.outcome), -(one.verdict.value or 0.0)))
    return {
        "groups": len(seen),
        "shown": [
            {
                "labels": dict(one.labels),
                "outcome": one.verdict.outcome,
                "value": one.verdict.value,
                "baseline": one.verdict.baseline,
                "reason": one.verdict.reason,
            }
            for one in worst[:_SHOWN]
        ],
    }
