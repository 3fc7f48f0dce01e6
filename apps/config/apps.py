"""The wiring as a Django app: it brings the system checks and the commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers what concerns the whole installation."""

    name = "apps.config"
    label = "config"

    def ready(self) -> None:
        """Register the system checks, and say where reads and scores go."""
        from django.conf import settings

        from apps.analytics.run import Reads, install
        from apps.config import checks  # noqa: F401  (importing registers them)
        from ingestion.scores import inbox
        from ingestion.settings import GatewaySettings, StoreSettings
        from ingestion.store.client import connect

        seconds = settings.WEB.query_seconds
        install(lambda: Reads(connect(StoreSettings.read(), max_seconds=seconds).reader, seconds=seconds))
        inbox.install(lambda: inbox.ScoreInbox.of(GatewaySettings.read()))
