"""Evaluation rules, back-fills, and what a model was asked, as rows. What one may do to them is in the services.

A score is no row here: it goes the way of every score, into the store.
"""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.accounts.models import Project, User
from apps.accounts.row_ids import new_id

__all__ = ["Asked", "Backfill", "EvaluationRule", "Target", "new_id"]


class Target(models.TextChoices):
    """What a score of the rule is about."""

    SPAN = "span", "Each call of a model"
    TRACE = "trace", "Each trace as a whole"


class EvaluationRule(models.Model):
    """Which evaluator judges what. `cursor` says how far live reading has come; `claim` who reads now.

    `secrets` is encrypted. `version` counts changes after which the same subject may get another verdict.
    """

    public_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="evaluation_rules")
    name = models.CharField(max_length=120)
    score_name = models.CharField(max_length=200)
    evaluator = models.CharField(max_length=60)
    settings = models.JSONField(default=dict)
    secrets = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    filters = models.JSONField(default=list)
    share = models.FloatField(default=1.0)
    target = models.CharField(max_length=10, choices=Target.choices, default=Target.SPAN)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    cursor = models.JSONField(default=dict, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    error_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="evals_rule_name_once")]

    def __str__(self) -> str:
        return self.name


class Backfill(models.Model):
    """One rule led over what was received from `start` to `end`. `done` of `total` subjects are behind `cursor`."""

    class State(models.TextChoices):
        """Where it stands."""

        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rule = models.ForeignKey(EvaluationRule, on_delete=models.CASCADE, related_name="backfills")
    version = models.PositiveIntegerField()
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    estimated_cost_usd = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    estimate = models.CharField(max_length=300, blank=True)
    cursor = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at", "-public_id"]

    OPEN: ClassVar[tuple[str, ...]] = ("planned", "running")

    def __str__(self) -> str:
        return f"{self.rule} over {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}: {self.state}"


class Asked(models.Model):
    """A subject about which a model was asked, so that nobody pays twice for it. `verdict` is null while it is asked.

    Kept for a day: by then its score is in the store, which says the same.
    """

    rule = models.ForeignKey(EvaluationRule, on_delete=models.CASCADE, related_name="asked")
    score_id = models.CharField(max_length=80)
    at = models.DateTimeField(db_index=True)
    verdict = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "score_id"], name="evals_asked_once")]

    def __str__(self) -> str:
        return f"{self.score_id}: {'answered' if self.verdict else 'asked'}"
