"""The JSON twins of the alert pages. A key reads; what changes something is done by a person with the role for it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Project, Role
from apps.alerts.api_shapes import (
    BacktestShape,
    ChannelShape,
    ChannelWrite,
    DeliveryShape,
    IncidentDetailShape,
    IncidentShape,
    IncidentWrite,
    RuleShape,
    RuleWrite,
)
from apps.alerts.channel_services import (
    SavedChannel,
    channel_create,
    channel_delete,
    channel_test,
    channel_update,
    delivery_replay,
)
from apps.alerts.deliver import caller_of_installation
from apps.alerts.fields import Fields
from apps.alerts.models import Channel, Delivery, Rule
from apps.alerts.replay import tried_on
from apps.alerts.selectors import (
    channel_of,
    channels_of,
    deliveries_of,
    delivery_of,
    incident_of,
    incidents_of,
    rule_of,
    rules_of,
)
from apps.alerts.services import incident_acknowledge, incident_comment, rule_create, rule_delete, rule_update
from apps.alerts.spec import spec_from
from apps.analytics.parse import QueryError
from apps.api.parameters import PAGE, parameter, read_schema
from apps.api.rule_error import RuleError
from apps.api.scope import project_of
from apps.api.shapes import page_of
from apps.api.writing import WriteView, write_schema

__all__ = [
    "BacktestView",
    "ChannelListView",
    "ChannelView",
    "DeliveryListView",
    "DeliveryView",
    "IncidentListView",
    "IncidentView",
    "RuleListView",
    "RuleView",
]

_STATE = (parameter("state", "Keep these.", enum=["open", "resolved"]),)
_STATUS = (parameter("status", "Keep these.", enum=list(Delivery.Status.values)),)


class AlertView(WriteView):
    """A view about alerts."""

    changes = "Alerts"


class RuleListView(AlertView):
    """Rules."""

    @read_schema(page_of(RuleShape), PAGE, summary="Alert rules, newest first")
    def get(self, request: Request) -> Response:
        """Each with how it stands."""
        return self.page(request, rules_of(project_of(request)), _rule)

    @write_schema(RuleWrite, RuleShape, summary="Make an alert rule", status=201)
    def post(self, request: Request) -> Response:
        """It is evaluated within a minute."""
        project, person = self.writable(request)
        given = _rule_fields(request)
        for name in ("name", "spec"):
            if name not in given:
                raise RuleError(name, f"{name} is missing", "see docs/alerts.md")
        rule = rule_create(project=project, created_by=person, zone=settings.TIME_ZONE, now=self.now(), **given)
        return Response(_rule(rule_of(project, str(rule.pk))), status=201)


class RuleView(AlertView):
    """One rule."""

    @read_schema(RuleShape, summary="One alert rule")
    def get(self, request: Request, rule_id: str) -> Response:
        """How it stands."""
        return Response(_rule(rule_of(project_of(request), rule_id)))

    @write_schema(RuleWrite(partial=True), RuleShape, summary="Change an alert rule")
    def patch(self, request: Request, rule_id: str) -> Response:
        """A changed condition ends what is open."""
        project, _ = self.writable(request)
        rule_update(rule=rule_of(project, rule_id), zone=settings.TIME_ZONE, now=self.now(), **_rule_fields(request))
        return Response(_rule(rule_of(project, rule_id)))

    @write_schema(None, None, summary="Delete an alert rule and its incidents", status=204)
    def delete(self, request: Request, rule_id: str) -> Response:
        """Who was told that it fires is told that it is over."""
        project, _ = self.writable(request)
        rule_delete(rule=rule_of(project, rule_id), now=self.now())
        return Response(status=204)


class BacktestView(AlertView):
    """What a rule would have done in the last 30 days."""

    @read_schema(BacktestShape, summary="What a rule would have done in the last 30 days")
    def get(self, request: Request, rule_id: str) -> Response:
        """The same detector and the same state machine over the past, for the largest groups."""
        project = project_of(request)
        spec = spec_from(rule_of(project, rule_id).spec)
        tried = tried_on(self.reads(), spec, project_id=project.pk, now=self.now())
        episodes = [asdict(one) for group in tried.groups for one in group.episodes]
        answer = {"start": tried.start, "end": tried.end, "fired": tried.fired, "episodes": episodes}
        return Response(BacktestShape(answer).data)


class IncidentListView(AlertView):
    """Incidents."""

    @read_schema(
        page_of(IncidentShape), _STATE, (parameter("rule", "Of this rule: its id."),), PAGE, summary="Incidents"
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        state = _chosen(request, "state", ("open", "resolved"))
        rows = incidents_of(project_of(request), state=state, rule=request.query_params.get("rule", ""))
        return self.page(request, rows, lambda row: IncidentShape(row).data)


class IncidentView(AlertView):
    """One incident."""

    @read_schema(IncidentDetailShape, summary="One incident with what happened to it")
    def get(self, request: Request, incident_id: str) -> Response:
        """Every change of phase, with what was seen."""
        return Response(_incident(project_of(request), incident_id))

    @write_schema(IncidentWrite, IncidentDetailShape, summary="Acknowledge an incident, or comment on it")
    def patch(self, request: Request, incident_id: str) -> Response:
        """Nothing is repeated about an incident that somebody acknowledged."""
        project, person = self.writable(request)
        incident, fields = incident_of(project, incident_id), Fields(request.data)
        acknowledged, comment = fields.take("acknowledged"), fields.take("comment")
        fields.done()
        if acknowledged not in {None, True} or not isinstance(comment, str | None):
            raise RuleError("acknowledged", f"acknowledged={acknowledged!r:.60} is not accepted", "true, or a comment")
        if comment is not None:
            incident_comment(incident=incident, by=person, text=comment, now=self.now())
        if acknowledged:
            incident_acknowledge(incident=incident, by=person, now=self.now())
        return Response(_incident(project, incident_id))


class ChannelListView(AlertView):
    """Channels."""

    @read_schema(page_of(ChannelShape), PAGE, summary="Alert channels, newest first")
    def get(self, request: Request) -> Response:
        """Without their secrets."""
        return self.page(request, channels_of(project_of(request)), _channel)

    @write_schema(ChannelWrite, ChannelShape, summary="Make an alert channel", status=201)
    def post(self, request: Request) -> Response:
        """Secrets that were made are in this answer alone."""
        project, person = self.writable(request, Role.ADMIN)
        name, kind, config = _channel_fields(request)
        saved = channel_create(project=project, name=name, kind=kind, values=config, created_by=person)
        return Response(_saved(saved), status=201)


class ChannelView(AlertView):
    """One channel."""

    @read_schema(ChannelShape, summary="One alert channel")
    def get(self, request: Request, channel_id: str) -> Response:
        """Without its secrets."""
        return Response(_channel(channel_of(project_of(request), channel_id)))

    @write_schema(ChannelWrite, ChannelShape, summary="Change an alert channel")
    def patch(self, request: Request, channel_id: str) -> Response:
        """A secret that is left out stays."""
        project, _ = self.writable(request, Role.ADMIN)
        channel = channel_of(project, channel_id)
        name, _kind, config = _channel_fields(request, channel)
        return Response(_saved(channel_update(channel=channel, name=name, values=config)))

    @write_schema(None, DeliveryShape, summary="Send a test to an alert channel")
    def post(self, request: Request, channel_id: str) -> Response:
        """At once; the answer says what became of it."""
        project, _ = self.writable(request, Role.ADMIN)
        sent = channel_test(channel=channel_of(project, channel_id), now=self.now(), caller=caller_of_installation())
        return Response(DeliveryShape(sent).data)

    @write_schema(None, None, summary="Delete an alert channel with its deliveries", status=204)
    def delete(self, request: Request, channel_id: str) -> Response:
        """Rules go on without it."""
        project, _ = self.writable(request, Role.ADMIN)
        channel_delete(channel=channel_of(project, channel_id))
        return Response(status=204)


class DeliveryListView(AlertView):
    """Deliveries."""

    @read_schema(
        page_of(DeliveryShape), _STATUS, (parameter("channel", "To this channel: its id."),), PAGE, summary="Deliveries"
    )
    def get(self, request: Request) -> Response:
        """Newest first, each with every try."""
        status = _chosen(request, "status", tuple(Delivery.Status.values))
        rows = deliveries_of(project_of(request), status=status, channel=request.query_params.get("channel", ""))
        return self.page(request, rows.prefetch_related("log"), lambda row: DeliveryShape(row).data)


class DeliveryView(AlertView):
    """One delivery."""

    @read_schema(DeliveryShape, summary="One delivery and every try")
    def get(self, request: Request, delivery_id: str) -> Response:
        """With the message as it was written when the state changed."""
        return Response(DeliveryShape(delivery_of(project_of(request), delivery_id)).data)

    @write_schema(None, DeliveryShape, summary="Send a message again, under the same id")
    def post(self, request: Request, delivery_id: str) -> Response:
        """The worker takes it within seconds."""
        project, _ = self.writable(request)
        delivery_replay(delivery=delivery_of(project, delivery_id), now=self.now())
        return Response(DeliveryShape(delivery_of(project, delivery_id)).data)


def _names(shape: type[serializers.Serializer]) -> list[str]:
    return [str(name) for name in shape().fields]


def _rule(row: Rule) -> dict[str, Any]:
    channels = [str(channel.pk) for channel in row.channels.all()]
    members: dict[str, Any] = {name: getattr(row, name) for name in _names(RuleShape) if name != "channels"}
    return dict(RuleShape({**members, "channels": channels}).data)


def _rule_fields(request: Request) -> dict[str, Any]:
    fields = Fields(request.data)
    found: dict[str, Any] = {}
    for name in ("name", "description", "severity"):
        if (value := fields.take(name)) is not None:
            if not isinstance(value, str):
                raise RuleError(name, f"{name}={value!r:.60} is not accepted", "a text")
            found[name] = value
    if (spec := fields.take("spec")) is not None:
        found["spec"] = spec
    if (channels := fields.take("channels")) is not None:
        if not isinstance(channels, list):
            raise RuleError("channels", f"channels={channels!r:.60} is not accepted", "a list of ids")
        found["channels"] = [str(one) for one in channels]
    if (repeat := fields.number("repeat_seconds", least=0, most=30 * 86_400)) is not None:
        found["repeat_seconds"] = int(repeat)
    if (enabled := fields.take("enabled")) is not None:
        if not isinstance(enabled, bool):
            raise RuleError("enabled", f"enabled={enabled!r:.60} is not accepted", "true or false")
        found["enabled"] = enabled
    fields.done()
    return found


def _channel_fields(request: Request, channel: Channel | None = None) -> tuple[str, str, Mapping[str, object]]:
    fields = Fields(request.data)
    name = fields.text("name", channel.name if channel else None)
    kind = fields.text("kind", channel.kind if channel else None)
    config = fields.take("config", channel.config if channel else {})
    fields.done()
    if channel is not None and kind != channel.kind:
        raise RuleError("kind", f"this channel is a {channel.kind}", "a new channel for another kind")
    if not isinstance(config, Mapping):
        raise RuleError("config", f"config={config!r:.60} is not accepted", "an object of settings")
    return name, kind, config


def _channel(row: Channel) -> dict[str, Any]:
    return dict(ChannelShape({name: getattr(row, name) for name in _names(ChannelShape) if name != "made"}).data)


def _saved(saved: SavedChannel) -> dict[str, Any]:
    return {**_channel(saved.channel), **({"made": dict(saved.made)} if saved.made else {})}


def _incident(project: Project, incident_id: str) -> dict[str, Any]:
    row = incident_of(project, incident_id)
    shown: dict[str, Any] = {
        name: getattr(row, name) for name in _names(IncidentDetailShape) if name not in {"rule_name", "comments"}
    }
    shown |= {"rule": row.rule, "transitions": row.transitions.all(), "comments": row.comments.select_related("author")}
    return dict(IncidentDetailShape(shown).data)


def _chosen(request: Request, name: str, accepted: tuple[str, ...]) -> str:
    value = request.query_params.get(name, "")
    if value and value not in accepted:
        raise QueryError(name, f"{name}={value[:60]!r} does not exist", "one of " + ", ".join(accepted))
    return value
