"""How evaluators, rules and back-fills look as JSON. Times are ISO 8601, unknown is null, no secrets."""

from rest_framework import serializers

from apps.api.shapes import MoneyField
from apps.evals.evaluators import EVALUATORS
from apps.evals.models import Backfill, Target

__all__ = [
    "BackfillChange",
    "BackfillShape",
    "BackfillWrite",
    "EvaluationRuleShape",
    "EvaluationRuleWrite",
    "EvaluatorShape",
]


class EvaluatorShape(serializers.Serializer):
    """One evaluator. `settings` is a JSON Schema."""

    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    help = serializers.CharField()
    data_type = serializers.CharField(help_text="Of its scores: number, boolean or category.")
    asks = serializers.BooleanField(help_text="Whether judging asks a model, which costs money.")
    settings = serializers.JSONField()


class EvaluationRuleWrite(serializers.Serializer):
    """What makes or changes a rule. docs/evaluations.md says what each field holds."""

    name = serializers.CharField(max_length=120)
    evaluator = serializers.ChoiceField(sorted(EVALUATORS))
    settings = serializers.JSONField(
        required=False, help_text="As the evaluator's schema says; secrets go in here too."
    )
    score_name = serializers.CharField(max_length=200, required=False, help_text="The evaluator's name when missing.")
    filters = serializers.JSONField(required=False, help_text='[{"field": "model", "values": ["gpt-4o"]}]')
    share = serializers.FloatField(required=False, help_text="Of traces: above 0, up to 1.")
    target = serializers.ChoiceField(Target.choices, required=False)
    enabled = serializers.BooleanField(required=False)


class EvaluationRuleShape(serializers.Serializer):
    """One rule."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    score_name = serializers.CharField()
    evaluator = serializers.CharField()
    settings = serializers.JSONField(help_text="Without secrets.")
    version = serializers.IntegerField(help_text="Grows when the same subject may get another verdict.")
    filters = serializers.JSONField()
    share = serializers.FloatField()
    target = serializers.CharField()
    enabled = serializers.BooleanField()
    evaluated_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="Why it cannot be carried out; empty when it can.")
    error_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class BackfillWrite(serializers.Serializer):
    """What plans a back-fill."""

    rule = serializers.UUIDField()
    start = serializers.DateTimeField(help_text="Received from here on; ISO 8601 with a zone.")
    end = serializers.DateTimeField(required=False, help_text="Not included; now when missing.")


class BackfillChange(serializers.Serializer):
    """What a person does to a back-fill."""

    state = serializers.ChoiceField(["running", "stopped"])


class BackfillShape(serializers.Serializer):
    """One back-fill. `estimated_cost_usd` is null when nobody knows."""

    id = serializers.UUIDField(source="public_id")
    rule_id = serializers.UUIDField()
    rule_name = serializers.CharField(source="rule.name")
    version = serializers.IntegerField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    state = serializers.ChoiceField(Backfill.State.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    estimated_cost_usd = MoneyField(allow_null=True)
    estimate = serializers.CharField()
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
