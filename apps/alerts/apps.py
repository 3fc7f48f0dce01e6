"""Alerts as a Django app."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Names the app."""

    name = "apps.alerts"
    label = "alerts"
