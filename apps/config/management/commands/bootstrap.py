"""`manage.py bootstrap`: make this installation ready to start; safe to run before every start."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from apps.config.first_start import first_start
from apps.config.secret_file import secrets_ensure
from apps.config.static_files import static_collect

__all__ = ["Command"]


class Command(BaseCommand):
    """Secrets, database tables, the first owner and key, the page's files."""

    help = "Make secrets, tables, the first owner, project and key, and collect static files. Idempotent."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Do each step that has not been done."""
        home = settings.SPANMETER_HOME
        try:
            secrets_ensure(home)
            call_command("migrate", interactive=False, verbosity=0)
            said = first_start(
                home / "bootstrap.json",
                email=settings.WEB.owner_email,
                gateway_url=settings.SPANMETER_GATEWAY_URL,
                web_url=settings.WEB.url,
            )
        except OSError as error:
            raise CommandError(f"SPANMETER_HOME={home}: {error.strerror} ({error.filename})") from error
        except DatabaseError as error:
            where = connection.settings_dict["NAME"]
            raise CommandError(
                f"SPANMETER_DATABASE_URL: the database {where} cannot be used ({str(error).strip().splitlines()[0]})"
            ) from error
        if not settings.DEBUG:
            static_collect(settings.STATIC_ROOT, storage=settings.STORAGES["staticfiles"]["BACKEND"])
        if note := said.get("key_note"):
            self.stdout.write(f"key: {note}")
        self.stdout.write(f"ready: {said['email']} at {said['web_url']}, secrets in {home / 'bootstrap.json'}")
