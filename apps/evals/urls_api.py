"""JSON routes of evaluations, below /api/v1/."""

from django.urls import path

from apps.evals import api

urlpatterns = [
    path("evaluators", api.EvaluatorListView.as_view(), name="api-evaluators"),
    path("evaluation-rules", api.EvaluationRuleListView.as_view(), name="api-evaluation-rules"),
    path("evaluation-rules/<str:rule_id>", api.EvaluationRuleView.as_view(), name="api-evaluation-rule"),
    path("backfills", api.BackfillListView.as_view(), name="api-backfills"),
    path("backfills/<str:backfill_id>", api.BackfillView.as_view(), name="api-backfill"),
]
