"""Turns "a backend is away" into a 503 that says which; every other exception is Django's."""

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from apps.analytics.run import StoreUnavailable
from apps.config.errors import unavailable

__all__ = ["AwayMiddleware"]

_log = structlog.get_logger(__name__)


class AwayMiddleware:
    """Stands innermost, so that sessions and sign-in have already been asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass through."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 for the exceptions that mean "away"."""
        if isinstance(exception, StoreUnavailable):
            what = "store"
        elif isinstance(exception, OperationalError | InterfaceError):
            what = "database"
        else:
            return None
        _log.warning("backend_away", what=what, error=type(exception).__name__)
        return unavailable(request, what=what)
