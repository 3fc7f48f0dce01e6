"""GPUs as a Django app."""

from django.apps import AppConfig


class GpuConfig(AppConfig):
    """Names the app."""

    name = "apps.gpu"
    label = "gpu"
