"""Evaluations as a Django app."""

from django.apps import AppConfig


class EvalsConfig(AppConfig):
    """Names the app."""

    name = "apps.evals"
    label = "evals"
