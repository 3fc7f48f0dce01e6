"""Traces as a Django app."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    """Names the app."""

    name = "apps.traces"
    label = "traces"
