"""SPANMETER_EMAIL_URL → Django's mail settings. Pure. Without a URL no mail is sent."""

from typing import Any
from urllib.parse import unquote, urlsplit

from ingestion.settings import SettingsError

__all__ = ["mail_from_url"]


def mail_from_url(url: str) -> dict[str, Any]:
    """Return EMAIL_* settings for smtp://user:password@host:25, smtp+tls://…:587 or smtps://…:465."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    if parts.scheme not in ports or not parts.hostname:
        raise SettingsError(
            f"SPANMETER_EMAIL_URL: scheme {parts.scheme!r}, host {parts.hostname!r}; expected smtp://host:25, "
            "smtp+tls://user:password@host:587 or smtps://user:password@host:465"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
    }
