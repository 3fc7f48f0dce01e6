"""JSON routes of traces, below /api/v1/."""

from django.urls import path

from apps.traces import api, score_api

urlpatterns = [
    path("overview", api.OverviewView.as_view(), name="api-overview"),
    path("metrics/query", api.AggregateView.as_view(), name="api-aggregate"),
    path("traces", api.TraceListView.as_view(), name="api-traces"),
    path("traces/<str:trace_id>", api.TraceView.as_view(), name="api-trace"),
    path("spans", api.SpanListView.as_view(), name="api-spans"),
    path("spans/<str:span_id>", api.SpanView.as_view(), name="api-span"),
    path("sessions", api.SessionListView.as_view(), name="api-sessions"),
    path("users", api.UserListView.as_view(), name="api-users"),
    path("scores", score_api.ScoreListView.as_view(), name="api-scores"),
    path("scores/<path:score_id>", score_api.ScoreView.as_view(), name="api-score"),
    path("facets", api.FacetsView.as_view(), name="api-facets"),
]
