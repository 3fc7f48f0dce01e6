"""Looking things up: always within one project, so that an outsider's id is an id of nothing."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import Project
from apps.accounts.row_ids import id_of, row_of
from apps.alerts.models import Channel, Delivery, Incident, Rule, Silence

__all__ = [
    "channel_of",
    "channels_of",
    "deliveries_of",
    "delivery_of",
    "incident_of",
    "incidents_of",
    "rule_of",
    "rules_of",
    "silence_of",
    "silences_in_force",
    "silences_of",
]


def rules_of(project: Project) -> QuerySet[Rule]:
    """Rules with how many of their incidents are open (`open`)."""
    found = Rule.objects.filter(project=project).select_related("project").prefetch_related("channels")
    return found.annotate(open=Count("incidents", filter=Q(incidents__resolved_at=None), distinct=True))


def incidents_of(project: Project, *, state: str = "", rule: str = "") -> QuerySet[Incident]:
    """Incidents, newest first; `state` is open, resolved or nothing."""
    found = Incident.objects.filter(project=project).select_related("rule", "acknowledged_by")
    if state == "open":
        found = found.filter(resolved_at=None)
    elif state == "resolved":
        found = found.exclude(resolved_at=None)
    return found.filter(rule=id_of(rule)) if rule else found


def channels_of(project: Project) -> QuerySet[Channel]:
    """Channels by name."""
    return Channel.objects.filter(project=project)


def deliveries_of(project: Project, *, status: str = "", channel: str = "") -> QuerySet[Delivery]:
    """The log, newest first."""
    found = Delivery.objects.filter(project=project).select_related("channel", "rule")
    if status:
        found = found.filter(status=status)
    return found.filter(channel=id_of(channel)) if channel else found


def silences_of(project: Project) -> QuerySet[Silence]:
    """Silences, also those that are over."""
    return Silence.objects.filter(project=project).select_related("rule", "created_by")


def silences_in_force(project: Project, *, now: datetime) -> QuerySet[Silence]:
    """Those that are not over."""
    return silences_of(project).filter(ends_at__gt=now)


def rule_of(project: Project, pk: str) -> Rule:
    """One rule, or 404."""
    return row_of(rules_of(project), pk, "rule")


def incident_of(project: Project, pk: str) -> Incident:
    """One incident, or 404."""
    return row_of(incidents_of(project), pk, "incident")


def channel_of(project: Project, pk: str) -> Channel:
    """One channel, or 404."""
    return row_of(channels_of(project), pk, "channel")


def delivery_of(project: Project, pk: str) -> Delivery:
    """One delivery, or 404."""
    return row_of(deliveries_of(project), pk, "delivery")


def silence_of(project: Project, pk: str) -> Silence:
    """One silence, or 404."""
    return row_of(silences_of(project), pk, "silence")
