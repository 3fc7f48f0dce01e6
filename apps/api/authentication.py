"""Who calls: an application with a project key, or a person with a browser session. Anything else is nobody."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiKey, Project
from apps.accounts.services import key_find

__all__ = ["BrowserAuthentication", "KeyAuthentication", "KeyHolder"]

_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """An application: it may read its own project."""

    key: ApiKey

    is_authenticated = True
    is_active = True

    @property
    def project(self) -> Project:
        """The only one it may see."""
        return self.key.project

    @property
    def pk(self) -> str:
        """Told apart from people when requests are counted."""
        return f"key-{self.key.pk}"


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sm-sk-…`."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        """Return the key's holder; no header is nobody, a wrong key is an error."""
        scheme, _, value = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            key = key_find(value.strip().decode("ascii"))
        except UnicodeDecodeError:
            key = None
        if key is None:
            raise AuthenticationFailed("This key does not exist, was revoked, or has expired.", "invalid_key")
        _note_use(key)
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        """Make the answer to nobody a 401."""
        return 'Bearer realm="spanmeter"'


class BrowserAuthentication(SessionAuthentication):
    """The session of the pages; anything that changes something needs the CSRF token."""


class KeyScheme(OpenApiAuthenticationExtension):
    """How the schema describes the key."""

    target_class = "apps.api.authentication.KeyAuthentication"
    name = "projectKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "A project's secret key, sm-sk-…"}


class BrowserScheme(OpenApiAuthenticationExtension):
    """How the schema describes the session."""

    target_class = "apps.api.authentication.BrowserAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The session cookie."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def _note_use(key: ApiKey) -> None:
    """Once a minute is enough to see whether a key is in use; a row per request would be a write per read."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - _NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
