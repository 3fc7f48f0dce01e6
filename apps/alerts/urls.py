"""Pages of alerts, below /p/<project slug>/alerts/."""

from django.urls import path

from apps.alerts import channel_views, incident_views, views

app_name = "alerts"
urlpatterns = [
    path("", incident_views.incident_list_view, name="incidents"),
    path("incidents/<str:incident>/", incident_views.incident_view, name="incident"),
    path("rules/", views.rule_list_view, name="rules"),
    path("rules/new/", views.rule_new_view, name="rule-new"),
    path("rules/<str:rule>/", views.rule_view, name="rule"),
    path("rules/<str:rule>/delete/", views.rule_delete_view, name="rule-delete"),
    path("channels/", channel_views.channel_list_view, name="channels"),
    path("channels/<str:channel>/", channel_views.channel_act_view, name="channel-act"),
    path("deliveries/", channel_views.delivery_list_view, name="deliveries"),
    path("deliveries/<str:delivery>/replay/", channel_views.delivery_replay_view, name="delivery-replay"),
    path("quiet/", channel_views.quiet_view, name="quiet"),
]
