"""Rules, incidents, channels and deliveries as rows. What one may do to them is in the services; who may, in access.py.

A change of state is a row (Transition). What is to be said about it is a row too (Delivery), written in the same
transaction, so that no kill comes between the two.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Project, User
from apps.accounts.row_ids import new_id

__all__ = [
    "Attempt",
    "Channel",
    "Comment",
    "Delivery",
    "Incident",
    "MaintenanceWindow",
    "Rule",
    "Severity",
    "Silence",
    "Transition",
    "Watch",
    "new_id",
]


class Severity(models.TextChoices):
    """How bad it is, from most to least."""

    CRITICAL = "critical", "Critical"
    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"


class Channel(models.Model):
    """Where a message goes. `secrets` is encrypted; what it holds never leaves the server again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_channels")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    config = models.JSONField(default=dict)
    secrets = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="alerts_channel_name_once")]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """What is watched: `spec` is a RuleSpec as JSON. `next_at`, `claimed_at` and `claim` say who evaluates it when."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alert_rules")
    name = models.CharField(max_length=120)
    description = models.TextField(max_length=2000, blank=True)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    spec = models.JSONField()
    channels = models.ManyToManyField(Channel, related_name="rules", blank=True)
    repeat_seconds = models.PositiveIntegerField(default=4 * 3600)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    next_at = models.DateTimeField(default=timezone.now, db_index=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)
    last = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=500, blank=True)
    error_since = models.DateTimeField(null=True, blank=True)
    error_told = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="alerts_rule_name_once")]

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    """From firing to resolved, of one group of one rule. At most one of them is open."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="incidents")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="incidents")
    fingerprint = models.CharField(max_length=32)
    labels = models.JSONField(default=dict)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    started_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    baseline = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    notified_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["project", "-started_at"], name="alerts_incident_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "fingerprint"], condition=Q(resolved_at=None), name="alerts_incident_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


class Watch(models.Model):
    """The state of one group that is pending or firing. A group without a row is inactive."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="watches")
    fingerprint = models.CharField(max_length=32)
    labels = models.JSONField(default=dict)
    phase = models.CharField(max_length=10)
    since = models.DateTimeField(null=True)
    seen = models.DateTimeField(null=True)
    breached = models.BooleanField(default=False)
    breached_for = models.DurationField()
    clear = models.BooleanField(default=False)
    clear_for = models.DurationField()
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "fingerprint"], name="alerts_watch_once")]

    def __str__(self) -> str:
        return f"{self.rule} {self.fingerprint} {self.phase}"


class Transition(models.Model):
    """One change of phase, with what was seen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="transitions")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="transitions")
    fingerprint = models.CharField(max_length=32)
    labels = models.JSONField(default=dict)
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    value = models.FloatField(null=True)
    baseline = models.FloatField(null=True)
    lower = models.FloatField(null=True)
    upper = models.FloatField(null=True)
    reason = models.CharField(max_length=500)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}: {self.reason}"


class Comment(models.Model):
    """What somebody wrote on an incident."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(max_length=4000)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]


class Silence(models.Model):
    """Nothing is sent about what matches, for a while. Rules go on being evaluated."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="silences")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, null=True, blank=True, related_name="silences")
    labels = models.JSONField(default=dict, blank=True)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    comment = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-ends_at"]

    def __str__(self) -> str:
        return self.comment or f"silence until {self.ends_at:%Y-%m-%d %H:%M}"


class MaintenanceWindow(models.Model):
    """A silence of the whole project that comes back: on `weekdays` (0 is Monday) from a time on the wall on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="maintenance_windows")
    name = models.CharField(max_length=80)
    weekdays = models.JSONField(default=list)
    starts = models.TimeField()
    minutes = models.PositiveIntegerField()
    zone = models.CharField(max_length=60, default="UTC")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """The outbox: one message for one channel. Its id is the same at every attempt, so a receiver can drop a repeat."""

    class Status(models.TextChoices):
        """Where it stands."""

        PENDING = "pending", "Waiting"
        SENT = "sent", "Delivered"
        FAILED = "failed", "Given up"
        SILENCED = "silenced", "Silenced"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    incidents = models.ManyToManyField(Incident, related_name="deliveries")
    # Which event it tells of: the same event is never in the outbox twice.
    event = models.CharField(max_length=64)
    type = models.CharField(max_length=20)
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    claim = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="alerts_delivery_due"),
            models.Index(fields=["project", "-created_at"], name="alerts_delivery_newest"),
        ]
        constraints = [models.UniqueConstraint(fields=["channel", "event"], name="alerts_delivery_once")]

    OPEN: ClassVar[tuple[str, ...]] = ("pending",)

    def __str__(self) -> str:
        return f"{self.type} to {self.channel}: {self.status}"

    @property
    def message_id(self) -> str:
        """The id that the receiver sees."""
        return f"msg_{self.id.hex}"


class Attempt(models.Model):
    """One try of a delivery and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    seconds = models.FloatField()
    status_code = models.PositiveIntegerField(null=True)
    answer = models.TextField(blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status_code or self.problem}"
