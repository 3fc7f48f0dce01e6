"""Ui as a Django app."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Names the app."""

    name = "apps.ui"
    label = "ui"
