"""Api as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Names the app."""

    name = "apps.api"
    label = "api"
