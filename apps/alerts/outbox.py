"""Writing what is to be said: one Delivery a channel, in the transaction of the change it tells of.

Never sends. The event's name makes a second writing of the same change impossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from apps.alerts.labels import labels_text
from apps.alerts.message import MOST_ALERTS, Alert, Notification
from apps.alerts.metrics import WATCHED, of_scores
from apps.alerts.models import Channel, Delivery, Incident, MaintenanceWindow, Rule, Silence, Transition, new_id
from apps.alerts.quiet import Quiet, Recurring, Span
from apps.alerts.spec import RuleSpec

__all__ = ["Said", "enqueue", "quiet_of", "rule_note", "test_note", "traces_path"]

_AROUND = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Said:
    """An incident, and the look at the numbers that made it worth saying."""

    incident: Incident
    transition: Transition


def quiet_of(project_id: int, now: datetime) -> Quiet:
    """What is in force, or will come back."""
    spans = [
        Span(
            row.starts_at,
            row.ends_at,
            rule=str(row.rule_id or ""),
            labels=tuple(sorted(row.labels.items())),
            what=f"silenced: {row.comment}" if row.comment else "silenced",
        )
        for row in Silence.objects.filter(project_id=project_id, starts_at__lte=now, ends_at__gt=now)
    ]
    recurring = [
        Recurring(
            frozenset(row.weekdays),
            row.starts,
            timedelta(minutes=row.minutes),
            row.zone,
            what=f"maintenance: {row.name}",
        )
        for row in MaintenanceWindow.objects.filter(project_id=project_id)
    ]
    return Quiet(spans, recurring)


def enqueue(
    rule: Rule,
    spec: RuleSpec,
    *,
    kind: str,
    said: Sequence[Said],
    now: datetime,
    channels: Sequence[Channel],
    quiet: Quiet,
) -> None:
    """Tell every channel of these incidents in one message; those that are silenced in one that is kept unsent."""
    spoken: dict[str, list[Said]] = {}
    for one in said:
        spoken.setdefault(quiet.why(now, rule=str(rule.pk), labels=one.incident.labels), []).append(one)
    for why, some in spoken.items():
        note = _alert_note(rule, spec, kind=kind, said=some, now=now)
        # One transition stands for its group: it is in no other message of this kind.
        event = f"{kind}:{min(str(one.transition.pk) for one in some)}"
        if kind == "alert.reminder":
            event = f"{kind}:{now.astimezone(UTC):%Y%m%d%H%M%S}:{some[0].incident.pk.hex[-12:]}"
        for channel in channels:
            delivery = _delivery(rule, channel, note, event=event, now=now, silenced=why)
            delivery.incidents.set([one.incident for one in some])


def rule_note(
    rule: Rule, spec: RuleSpec | None, *, kind: str, text: str, now: datetime, channels: Sequence[Channel], quiet: Quiet
) -> None:
    """Tell of the rule itself: that it cannot be evaluated, or can again."""
    note = _note(rule, spec, kind=kind, now=now, text=text, alerts=())
    why = quiet.why(now, rule=str(rule.pk), labels={})
    event = f"{kind}:{rule.pk.hex[-12:]}:{now.astimezone(UTC):%Y%m%d%H%M%S}"
    for channel in channels:
        _delivery(rule, channel, note, event=event, now=now, silenced=why)


def test_note(channel: Channel, *, now: datetime) -> Delivery:
    """A message that only says that the channel works."""
    note = Notification(
        type="channel.test", timestamp=_iso(now), project=channel.project.slug, project_name=channel.project.name,
        rule="", rule_name="A test", rule_url=_url("alerts:channels", channel.project.slug), description="",
        severity="info", condition="", metric="", unit="",
        text=f"A test of the channel {channel.name} in {channel.project.name}",
    )  # fmt: skip
    return Delivery.objects.create(
        project=channel.project, channel=channel, event=f"channel.test:{new_id().hex}", type=note.type,
        payload=note.written(), created_at=now, due_at=now,
    )  # fmt: skip


def _delivery(
    rule: Rule, channel: Channel, note: Notification, *, event: str, now: datetime, silenced: str
) -> Delivery:
    disabled = channel.disabled_at is not None
    status = Delivery.Status.SILENCED if silenced else Delivery.Status.FAILED if disabled else Delivery.Status.PENDING
    problem = silenced or (f"the channel is disabled: {channel.disabled_reason}"[:500] if disabled else "")
    delivery, _ = Delivery.objects.get_or_create(
        channel=channel,
        event=event,
        defaults={
            "project_id": rule.project_id,
            "rule": rule,
            "type": note.type,
            "payload": note.written(),
            "status": status,
            "created_at": now,
            "due_at": now,
            "finished_at": None if status == Delivery.Status.PENDING else now,
            "problem": problem,
        },
    )
    return delivery


def _alert_note(rule: Rule, spec: RuleSpec, *, kind: str, said: Sequence[Said], now: datetime) -> Notification:
    verb = {"alert.firing": "is firing", "alert.resolved": "is resolved", "alert.reminder": "is still firing"}[kind]
    named = labels_text(said[0].incident.labels) if len(said) == 1 else f"{len(said)} groups"
    text = f"{rule.name} {verb}" + (f": {named}" if named else "")
    if len(said) == 1 and kind != "alert.resolved":
        text += f": {said[0].transition.reason}"
    alerts = tuple(_alert(rule, spec, one, kind=kind) for one in said[:MOST_ALERTS])
    return _note(rule, spec, kind=kind, now=now, text=text, alerts=alerts, truncated=max(0, len(said) - MOST_ALERTS))


def _note(
    rule: Rule,
    spec: RuleSpec | None,
    *,
    kind: str,
    now: datetime,
    text: str,
    alerts: tuple[Alert, ...],
    truncated: int = 0,
) -> Notification:
    return Notification(
        type=kind,
        timestamp=_iso(now),
        project=rule.project.slug,
        project_name=rule.project.name,
        rule=str(rule.pk),
        rule_name=rule.name,
        rule_url=_url("alerts:rule", rule.project.slug, rule.pk),
        description=rule.description,
        severity=rule.severity,
        condition=spec.said() if spec else "",
        metric=spec.metric if spec else "",
        unit=WATCHED[spec.metric].unit if spec else "",
        text=text[:500],
        alerts=alerts,
        truncated=truncated,
    )


def _alert(rule: Rule, spec: RuleSpec, one: Said, *, kind: str) -> Alert:
    incident, seen = one.incident, one.transition
    slug = rule.project.slug
    return Alert(
        incident=str(incident.pk),
        url=_url("alerts:incident", slug, incident.pk),
        traces_url=settings.WEB.url + traces_path(slug, spec, incident, now=seen.at),
        fingerprint=incident.fingerprint,
        status="resolved" if kind == "alert.resolved" else "firing",
        labels=incident.labels,
        started_at=_iso(incident.started_at),
        ended_at=_iso(incident.resolved_at) if incident.resolved_at else None,
        value=seen.value,
        baseline=seen.baseline,
        lower=seen.lower,
        upper=seen.upper,
        reason=seen.reason,
    )


def traces_path(slug: str, spec: RuleSpec, incident: Incident, *, now: datetime) -> str:
    """The trace list, with the rule's own conditions, around the incident. The source of a score is none of a trace."""
    chosen: list[tuple[str, str]] = []
    unknown = {"source"} if of_scores(spec.metric) else set()
    for one in spec.filters:
        if one.field.value in unknown:
            continue
        name = f"{one.field.value}-not" if one.negated else one.field.value
        chosen += [(name, value) for value in one.values]
    chosen += [(name, value) for name, value in incident.labels.items() if value and name not in unknown]
    if spec.metric in {"errors", "error_rate"}:
        chosen.append(("status", "error"))
    start = incident.started_at - spec.window - spec.hold - _AROUND
    end = (incident.resolved_at or now) + _AROUND
    chosen += [("from", _iso(start)), ("to", _iso(end))]
    return f"{reverse('traces:list', args=[slug])}?{urlencode(chosen)}"


def _url(view: str, *arguments: object) -> str:
    return settings.WEB.url + reverse(view, args=arguments)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
