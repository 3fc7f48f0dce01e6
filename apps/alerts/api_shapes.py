"""How rules, incidents, channels and deliveries look as JSON. Times are ISO 8601, unknown is null, no secrets."""

from rest_framework import serializers

from apps.alerts.channels import CHANNELS
from apps.alerts.detectors import DETECTORS
from apps.alerts.metrics import WATCHED, of_scores
from apps.alerts.models import Delivery, Severity

__all__ = [
    "BacktestShape",
    "ChannelShape",
    "ChannelWrite",
    "DeliveryShape",
    "IncidentDetailShape",
    "IncidentShape",
    "IncidentWrite",
    "RuleShape",
    "RuleWrite",
]

_KINDS = sorted(CHANNELS)
_SPEC = (
    "An object. `metric`: one of " + ", ".join(WATCHED) + ". `score`: the name of the scores, required by "
    + ", ".join(name for name in WATCHED if of_scores(name)) + ". `condition`: an object whose `type` is one of "
    + ", ".join(DETECTORS) + "."
)  # fmt: skip


class RuleWrite(serializers.Serializer):
    """What makes or changes a rule. docs/alerts.md says what `spec` holds."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(required=False, allow_blank=True)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    spec = serializers.JSONField(help_text=_SPEC)
    channels = serializers.ListField(child=serializers.CharField(), required=False, help_text="Ids.")
    repeat_seconds = serializers.IntegerField(required=False)
    enabled = serializers.BooleanField(required=False)


class RuleShape(serializers.Serializer):
    """One rule; `open` is how many of its incidents are."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    severity = serializers.CharField()
    spec = serializers.JSONField(help_text=_SPEC)
    channels = serializers.ListField(child=serializers.CharField())
    repeat_seconds = serializers.IntegerField()
    enabled = serializers.BooleanField()
    open = serializers.IntegerField()
    evaluated_at = serializers.DateTimeField(allow_null=True)
    last = serializers.JSONField(help_text="The latest look: groups, and those that are worst off.")
    error = serializers.CharField(help_text="Why it cannot be evaluated; empty when it can.")
    error_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class _EpisodeShape(serializers.Serializer):
    labels = serializers.JSONField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)
    value = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class BacktestShape(serializers.Serializer):
    """What a rule would have done."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    fired = serializers.IntegerField()
    episodes = _EpisodeShape(many=True)


class IncidentShape(serializers.Serializer):
    """One incident."""

    id = serializers.UUIDField()
    rule_id = serializers.UUIDField()
    rule_name = serializers.CharField(source="rule.name")
    labels = serializers.JSONField()
    fingerprint = serializers.CharField()
    severity = serializers.CharField()
    started_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    value = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class _TransitionShape(serializers.Serializer):
    before = serializers.CharField()
    after = serializers.CharField()
    at = serializers.DateTimeField()
    outcome = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class _CommentShape(serializers.Serializer):
    author = serializers.CharField(source="author.email", allow_null=True, default=None)
    at = serializers.DateTimeField()
    text = serializers.CharField()


class IncidentDetailShape(IncidentShape):
    """One incident with what happened to it."""

    transitions = _TransitionShape(many=True)
    comments = _CommentShape(many=True)


class IncidentWrite(serializers.Serializer):
    """What a person does to an incident."""

    acknowledged = serializers.BooleanField(required=False, help_text="true; it cannot be taken back.")
    comment = serializers.CharField(required=False)


class ChannelWrite(serializers.Serializer):
    """What makes or changes a channel. `config` holds its settings, the secret ones too."""

    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(_KINDS, required=False)
    config = serializers.JSONField()


class ChannelShape(serializers.Serializer):
    """One channel. `made` is in the answer that made it alone."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    config = serializers.JSONField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    made = serializers.JSONField(required=False, help_text="Secrets that are shown this once.")


class _AttemptShape(serializers.Serializer):
    at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    status_code = serializers.IntegerField(allow_null=True)
    problem = serializers.CharField()
    answer = serializers.CharField()


class DeliveryShape(serializers.Serializer):
    """One message to one channel, and every try."""

    id = serializers.UUIDField()
    message_id = serializers.CharField()
    type = serializers.CharField()
    channel_id = serializers.UUIDField()
    rule_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(Delivery.Status.choices)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField()
    problem = serializers.CharField()
    payload = serializers.JSONField()
    log = _AttemptShape(many=True)
