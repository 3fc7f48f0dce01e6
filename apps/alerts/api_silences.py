"""Silences as JSON: what keeps messages back, for how long, and an end before its time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Project
from apps.alerts.api import AlertView
from apps.alerts.fields import Fields
from apps.alerts.models import Rule, Silence
from apps.alerts.selectors import rule_of, silence_of, silences_of
from apps.alerts.services import silence_create, silence_end
from apps.analytics.parse import QueryError
from apps.api.parameters import PAGE, parameter, read_schema
from apps.api.rule_error import RuleError
from apps.api.scope import project_of
from apps.api.shapes import page_of
from apps.api.writing import write_schema

__all__ = ["SilenceListView", "SilenceShape", "SilenceView", "SilenceWrite"]

_STATES = ("in_force", "coming", "over")
_STATE = (parameter("state", "Keep these.", enum=list(_STATES)),)
_LONGEST = timedelta(days=366)
_MOST_LABELS = 20


class SilenceWrite(serializers.Serializer):
    """What makes a silence. Either `for` or `ends_at`."""

    rule_id = serializers.UUIDField(required=False, help_text="Of this rule alone; absent for every rule.")
    labels = serializers.DictField(child=serializers.CharField(), required=False, help_text="Of groups with these.")
    starts_at = serializers.DateTimeField(required=False, help_text="Absent for now.")
    ends_at = serializers.DateTimeField(required=False)
    comment = serializers.CharField(required=False, max_length=300)

    def get_fields(self) -> dict[str, Any]:
        """`for` is a word of Python, so it cannot stand among the others."""
        length = serializers.CharField(required=False, help_text="A length such as 30m, 2h, 7d.")
        return {**super().get_fields(), "for": length}


class SilenceShape(serializers.Serializer):
    """One silence."""

    id = serializers.UUIDField()
    rule_id = serializers.UUIDField(allow_null=True)
    rule_name = serializers.CharField(source="rule.name", allow_null=True, default=None)
    labels = serializers.JSONField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    state = serializers.ChoiceField(_STATES)
    comment = serializers.CharField()
    created_by = serializers.CharField(source="created_by.email", allow_null=True, default=None)


class SilenceListView(AlertView):
    """Silences."""

    @read_schema(page_of(SilenceShape), _STATE, PAGE, summary="Silences, newest first")
    def get(self, request: Request) -> Response:
        """Those that are over too, unless `state` says otherwise."""
        now = self.now()
        rows = silences_of(project_of(request))
        state = request.query_params.get("state", "")
        if state == "in_force":
            rows = rows.filter(starts_at__lte=now, ends_at__gt=now)
        elif state == "coming":
            rows = rows.filter(starts_at__gt=now)
        elif state == "over":
            rows = rows.filter(ends_at__lte=now)
        elif state:
            raise QueryError("state", f"state={state!r:.60} is not accepted", "one of " + ", ".join(_STATES))
        return self.page(request, rows, lambda row: _shown(row, now))

    @write_schema(SilenceWrite, SilenceShape, summary="Keep messages back for a while", status=201)
    def post(self, request: Request) -> Response:
        """Incidents are recorded all the same."""
        project, person = self.writable(request)
        now = self.now()
        row = silence_create(project=project, by=person, **_given(request, project, now))
        return Response(_shown(row, now), status=201)


class SilenceView(AlertView):
    """One silence."""

    @read_schema(SilenceShape, summary="One silence")
    def get(self, request: Request, silence_id: str) -> Response:
        """Also when it is over."""
        return Response(_shown(silence_of(project_of(request), silence_id), self.now()))

    @write_schema(None, None, summary="End a silence now", status=204)
    def delete(self, request: Request, silence_id: str) -> Response:
        """It stays in the list as one that is over. Of one that is over already, nothing changes."""
        project, _ = self.writable(request)
        silence_end(silence=silence_of(project, silence_id), now=self.now())
        return Response(status=204)


def _shown(row: Silence, now: datetime) -> Mapping[str, Any]:
    state = "over" if row.ends_at <= now else "coming" if row.starts_at > now else "in_force"
    row.state = state  # type: ignore[attr-defined]  # as of now, so it is no column
    return SilenceShape(row).data


def _given(request: Request, project: Project, now: datetime) -> dict[str, Any]:
    fields = Fields(request.data)
    rule = _rule(project, fields.take("rule_id"))
    labels = _labels(fields.take("labels", {}))
    starts_at = _moment("starts_at", fields.take("starts_at")) or now
    ends_at = _moment("ends_at", fields.take("ends_at"))
    length = fields.duration("for", "0s")
    comment = fields.text("comment", "", most=300)
    fields.done()
    if (ends_at is None) == (not length):
        raise RuleError("ends_at", "a silence needs either `for` or `ends_at`", "for: 2h, or the time of its end")
    ends_at = ends_at or starts_at + length
    if ends_at <= now:
        raise RuleError("ends_at", f"ends_at={ends_at.isoformat()} is over already", "a time to come")
    if ends_at - starts_at > _LONGEST:
        raise RuleError("ends_at", f"ends_at={ends_at.isoformat()} is too far away", "up to 366 days after its start")
    return {"rule": rule, "labels": labels, "starts_at": starts_at, "ends_at": ends_at, "comment": comment}


def _rule(project: Project, given: object) -> Rule | None:
    if given is None:
        return None
    try:
        return rule_of(project, str(given))
    except Http404 as error:
        said = f"there is no rule {str(given)[:60]!r} in this project"
        raise RuleError("rule_id", said, "the id of one of its rules") from error


def _labels(given: object) -> dict[str, str]:
    wrong = RuleError("labels", f"labels={given!r:.60} is not accepted", 'texts by name, such as {"model": "gpt-4o"}')
    if not isinstance(given, Mapping) or len(given) > _MOST_LABELS:
        raise wrong
    if not all(
        isinstance(text, str) and len(text) <= 1000 and "\x00" not in f"{name}{text}" for name, text in given.items()
    ):
        raise wrong
    return {str(name): text for name, text in given.items()}


def _moment(field: str, given: object) -> datetime | None:
    if given is None:
        return None
    try:
        found = parse_datetime(given) if isinstance(given, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1971 <= found.year <= 2199:
        raise RuleError(field, f"{field}={given!r:.60} is not accepted", "a time such as 2026-11-22T18:00:00Z")
    return found.astimezone(UTC)
