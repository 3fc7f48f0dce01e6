"""JSON routes of alerts, below /api/v1/."""

from django.urls import path

from apps.alerts import api, api_silences

urlpatterns = [
    path("rules", api.RuleListView.as_view(), name="api-rules"),
    path("rules/<str:rule_id>", api.RuleView.as_view(), name="api-rule"),
    path("rules/<str:rule_id>/backtest", api.BacktestView.as_view(), name="api-rule-backtest"),
    path("incidents", api.IncidentListView.as_view(), name="api-incidents"),
    path("incidents/<str:incident_id>", api.IncidentView.as_view(), name="api-incident"),
    path("channels", api.ChannelListView.as_view(), name="api-channels"),
    path("channels/<str:channel_id>", api.ChannelView.as_view(), name="api-channel"),
    path("deliveries", api.DeliveryListView.as_view(), name="api-deliveries"),
    path("deliveries/<str:delivery_id>", api.DeliveryView.as_view(), name="api-delivery"),
    path("silences", api_silences.SilenceListView.as_view(), name="api-silences"),
    path("silences/<str:silence_id>", api_silences.SilenceView.as_view(), name="api-silence"),
]
