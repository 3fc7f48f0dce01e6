"""Pages of traces, below /p/<project slug>/."""

from django.urls import path

from apps.traces import score_views, views

app_name = "traces"
urlpatterns = [
    path("", views.overview_view, name="overview"),
    path("traces/", views.trace_list_view, name="list"),
    path("traces/<str:trace_id>/", views.trace_view, name="trace"),
    path("traces/<str:trace_id>/score", score_views.score_view, name="score"),
    path("sessions/", views.session_list_view, name="sessions"),
    path("users/", views.user_list_view, name="users"),
]
