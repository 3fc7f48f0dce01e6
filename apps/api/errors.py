"""The one error object of the API: {"error": {"code", "message", "field"?, "hint"?}}. docs/api.md lists the codes."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.analytics.parse import QueryError
from apps.analytics.run import QueryFailed, StoreUnavailable
from apps.api.rule_error import RuleError
from ingestion.scores.inbox import InboxFull

__all__ = ["ERROR_CODES", "error_response"]

ERROR_CODES = {
    "invalid_parameter": 400,
    "invalid_request": 400,
    "not_authenticated": 401,
    "invalid_key": 401,
    "permission_denied": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "too_many_requests": 429,
    "query_too_slow": 503,
    "spool_full": 503,
    "store_unavailable": 503,
    "database_unavailable": 503,
    "internal_error": 500,
}
# ClickHouse's numbers for: took too long, would take too long, too much memory, too many rows in the answer.
_TOO_SLOW = frozenset({159, 160, 241, 396})
_RETRY_SECONDS = "5"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Error:
    code: str
    message: str
    field: str = ""
    hint: str = ""

    def response(self, headers: dict[str, str] | None = None) -> Response:
        body = {"code": self.code, "message": self.message}
        body |= {name: value for name, value in (("field", self.field), ("hint", self.hint)) if value}
        return Response({"error": body}, status=ERROR_CODES[self.code], headers=headers)


def error_response(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Map an exception to an answer; None lets Django log it and answer 500."""
    set_rollback()
    if isinstance(exception, QueryError | RuleError):
        return _Error("invalid_parameter", exception.message, exception.field, exception.hint).response()
    if isinstance(exception, Http404 | exceptions.NotFound):
        return _Error("not_found", "There is nothing here, or you may not see it.").response()
    if isinstance(exception, PermissionDenied | exceptions.PermissionDenied):
        return _Error("permission_denied", str(exception) or "You may not do this.").response()
    away = _away(exception)
    return away if away is not None else _framework(exception)


def _away(exception: Exception) -> Response | None:
    retry = {"Retry-After": _RETRY_SECONDS}
    if isinstance(exception, StoreUnavailable):
        _log.warning("store_unavailable", error=str(exception))
        return _Error("store_unavailable", "The store does not answer.", hint="Recording goes on; try again.").response(
            retry
        )
    if isinstance(exception, InboxFull):
        _log.warning("spool_full", error=str(exception))
        return _Error("spool_full", "Nothing was recorded: " + str(exception), hint="Try again.").response(retry)
    if isinstance(exception, QueryFailed) and exception.code in _TOO_SLOW:
        _log.warning("query_too_slow", code=exception.code)
        return _Error(
            "query_too_slow",
            "This read took too long or too much memory.",
            hint="Narrow the time range or the filters.",
        ).response()
    if isinstance(exception, OperationalError | InterfaceError):
        _log.warning("database_unavailable", error=str(exception))
        return _Error("database_unavailable", "The database does not answer.").response(retry)
    return None


def _framework(exception: Exception) -> Response | None:
    if not isinstance(exception, exceptions.APIException):
        return None
    message = str(exception.detail)
    if isinstance(exception, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        code = "invalid_key" if isinstance(exception, exceptions.AuthenticationFailed) else "not_authenticated"
        hint = "Send `Authorization: Bearer sm-sk-…` with a key of the project."
        return _Error(code, message, hint=hint).response({"WWW-Authenticate": 'Bearer realm="spanmeter"'})
    if isinstance(exception, exceptions.Throttled):
        wait = str(max(1, round(getattr(exception, "wait", None) or 1)))
        return _Error("too_many_requests", "Too many requests.", hint=f"Try again in {wait} s.").response(
            {"Retry-After": wait}
        )
    if isinstance(exception, exceptions.MethodNotAllowed):
        return _Error("method_not_allowed", message).response()
    if isinstance(exception, exceptions.NotAcceptable):
        return _Error("not_acceptable", message, hint="Accept application/json, or text/csv for lists.").response()
    return _Error("invalid_request", message).response()
