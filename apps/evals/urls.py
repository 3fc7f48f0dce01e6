"""Pages of evaluations, below /p/<project slug>/evaluations/."""

from django.urls import path

from apps.evals import backfill_views, views

app_name = "evals"
urlpatterns = [
    path("", views.rule_list_view, name="rules"),
    path("new/", views.rule_new_view, name="rule-choose"),
    path("new/<str:evaluator>/", views.rule_new_view, name="rule-new"),
    path("rules/<str:rule>/", views.rule_view, name="rule"),
    path("rules/<str:rule>/delete/", views.rule_delete_view, name="rule-delete"),
    path("rules/<str:rule>/backfill/", backfill_views.backfill_plan_view, name="backfill-plan"),
    path("backfills/", backfill_views.backfill_list_view, name="backfills"),
    path("backfills/<str:backfill>/", backfill_views.backfill_view, name="backfill"),
]
