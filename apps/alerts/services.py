"""What can be done to rules and incidents. Keyword-only; the caller has asked access.py first. Wrong values raise
RuleError, which names the field.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import IntegrityError, transaction

from apps.accounts.models import Project, User
from apps.alerts.models import Channel, Comment, Incident, MaintenanceWindow, Rule, Severity, Silence
from apps.alerts.record import end_all
from apps.alerts.spec import RuleSpec, spec_from
from apps.api.rule_error import RuleError

__all__ = [
    "incident_acknowledge",
    "incident_comment",
    "maintenance_create",
    "rule_create",
    "rule_delete",
    "rule_update",
    "silence_create",
    "silence_end",
]

_MOST_RULES = 500


def rule_create(
    *,
    project: Project,
    name: str,
    spec: Mapping[str, Any],
    channels: Sequence[str] = (),
    description: str = "",
    severity: str = Severity.WARNING,
    repeat_seconds: int = 4 * 3600,
    enabled: bool = True,
    created_by: User | None = None,
    zone: str = "UTC",
    now: datetime,
) -> Rule:
    """Make a rule; it is due at once."""
    if Rule.objects.filter(project=project).count() >= _MOST_RULES:
        raise RuleError("name", f"the project has {_MOST_RULES} rules", "fewer: group one by user or model instead")
    rule = Rule(project=project, created_by=created_by, next_at=now)
    return _kept(
        rule, name=name, spec=spec_from(spec, zone=zone), channels=channels, description=description,
        severity=severity, repeat_seconds=repeat_seconds, enabled=enabled,
    )  # fmt: skip


def rule_update(
    *,
    rule: Rule,
    now: datetime,
    name: str | None = None,
    spec: Mapping[str, Any] | None = None,
    channels: Sequence[str] | None = None,
    description: str | None = None,
    severity: str | None = None,
    repeat_seconds: int | None = None,
    enabled: bool | None = None,
    zone: str = "UTC",
) -> Rule:
    """Change what is given. A changed condition, or a rule switched off, ends what is open: it said another thing."""
    before = _spec_or_none(rule)
    wanted = before if spec is None else spec_from(spec, zone=zone)
    if wanted is None:
        wanted = spec_from(rule.spec)
    on = rule.enabled if enabled is None else enabled
    with transaction.atomic():
        if wanted != before or not on:
            end_all(rule, before, reason="the rule was changed" if on else "the rule was switched off", now=now)
        rule.next_at, rule.claim = now, None
        return _kept(
            rule,
            name=rule.name if name is None else name,
            spec=wanted,
            channels=[str(pk) for pk in rule.channels.values_list("pk", flat=True)] if channels is None else channels,
            description=rule.description if description is None else description,
            severity=rule.severity if severity is None else severity,
            repeat_seconds=rule.repeat_seconds if repeat_seconds is None else repeat_seconds,
            enabled=on,
        )


def rule_delete(*, rule: Rule, now: datetime) -> None:
    """Remove a rule with its incidents; who was told that it fires is told that it is over."""
    with transaction.atomic():
        end_all(rule, _spec_or_none(rule), reason="the rule was deleted", now=now)
        rule.delete()


def incident_acknowledge(*, incident: Incident, by: User, now: datetime) -> bool:
    """Somebody knows: nothing is repeated about it. Says whether this call did it."""
    changed = Incident.objects.filter(pk=incident.pk, acknowledged_at=None).update(
        acknowledged_at=now, acknowledged_by=by
    )
    return changed == 1


def incident_comment(*, incident: Incident, by: User, text: str, now: datetime) -> Comment:
    """Write on it."""
    text = text.strip()
    if not text or len(text) > 4000 or "\x00" in text:
        raise RuleError("text", "a comment needs a text", "up to 4000 characters")
    return Comment.objects.create(incident=incident, author=by, text=text, at=now)


def silence_create(
    *,
    project: Project,
    starts_at: datetime,
    ends_at: datetime,
    by: User,
    rule: Rule | None = None,
    labels: Mapping[str, str] | None = None,
    comment: str = "",
) -> Silence:
    """Keep quiet for a while."""
    if ends_at <= starts_at:
        raise RuleError("ends_at", "the silence ends before it starts", "a later end")
    return Silence.objects.create(
        project=project, rule=rule, labels=dict(labels or {}), starts_at=starts_at, ends_at=ends_at,
        comment=comment.strip()[:300], created_by=by,
    )  # fmt: skip


def silence_end(*, silence: Silence, now: datetime) -> bool:
    """End it now; says whether it was still in force."""
    return Silence.objects.filter(pk=silence.pk, ends_at__gt=now).update(ends_at=now) == 1


def maintenance_create(
    *, project: Project, name: str, weekdays: Sequence[int], starts: time, minutes: int, zone: str
) -> MaintenanceWindow:
    """Keep quiet at the same time every week."""
    if not weekdays or any(day not in range(7) for day in weekdays):
        raise RuleError("weekdays", f"weekdays={list(weekdays)!r:.60} is not accepted", "days from 0, Monday, to 6")
    if not 1 <= minutes <= 7 * 1440:
        raise RuleError("minutes", f"minutes={minutes} is not accepted", "from 1 to 10080")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RuleError("zone", f"zone={zone!r:.60} is no time zone", "an IANA name such as Asia/Kolkata") from error
    return MaintenanceWindow.objects.create(
        project=project,
        name=_named(name, 80),
        weekdays=sorted(set(weekdays)),
        starts=starts,
        minutes=minutes,
        zone=zone,
    )


def _kept(
    rule: Rule,
    *,
    name: str,
    spec: RuleSpec,
    channels: Sequence[str],
    description: str,
    severity: str,
    repeat_seconds: int,
    enabled: bool,
) -> Rule:
    if severity not in Severity.values:
        raise RuleError(
            "severity", f"severity={severity!r:.60} is not accepted", "one of " + ", ".join(Severity.values)
        )
    if isinstance(repeat_seconds, bool) or not 0 <= repeat_seconds <= 30 * 86_400:
        raise RuleError("repeat", f"repeat={repeat_seconds!r:.60} is not accepted", "0 for never, or up to 30 days")
    if len(description) > 2000 or "\x00" in description:
        raise RuleError("description", "the description is too long", "up to 2000 characters")
    rule.name, rule.description, rule.severity = _named(name, 120), description.strip(), severity
    rule.spec, rule.repeat_seconds, rule.enabled = spec.written(), repeat_seconds, enabled
    rule.error, rule.error_since, rule.error_told = "", None, False
    found = _channels(rule.project, channels)
    try:
        with transaction.atomic():
            rule.save()
            rule.channels.set(found)
    except IntegrityError as error:
        raise RuleError("name", f"there is a rule called {rule.name!r:.80} already", "another name") from error
    return rule


def _channels(project: Project, wanted: Sequence[str]) -> list[Channel]:
    there = {str(channel.pk): channel for channel in Channel.objects.filter(project=project)}
    for pk in wanted:
        if str(pk) not in there:
            raise RuleError("channels", f"there is no channel {str(pk)!r:.60} in this project", "ids of its channels")
    return [there[pk] for pk in dict.fromkeys(str(one) for one in wanted)]


def _spec_or_none(rule: Rule) -> RuleSpec | None:
    try:
        return spec_from(rule.spec)
    except RuleError:
        return None


def _named(name: str, most: int) -> str:
    name = " ".join(name.split())
    if not name or len(name) > most or "\x00" in name:
        raise RuleError("name", f"name={name!r:.60} is not accepted", f"a text of up to {most} characters")
    return name
