"""Error pages and their JSON twins. A person reads what happened and what to do; never a traceback."""

from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

__all__ = ["bad_request", "csrf_failure", "page_not_found", "permission_denied", "server_error", "unavailable"]


@dataclass(frozen=True, slots=True)
class _Problem:
    status: int
    code: str
    message: str
    hint: str = ""

    def answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            error = {"code": self.code, "message": self.message}
            if self.hint:
                error["hint"] = self.hint
            return JsonResponse({"error": error}, status=self.status)
        context = {"problem": self, "title": HTTPStatus(self.status).phrase, "status": self.status}
        # No request: context processors would ask the database, which may be what is broken.
        return HttpResponse(render_to_string(f"{self.status}.html", context), status=self.status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _Problem(400, "bad_request", "This request could not be understood.").answer(request)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the message of our own PermissionDenied is written for the reader."""
    return _Problem(403, "permission_denied", str(exception or "") or "You may not do this.").answer(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was not sent from our own page."""
    return _Problem(
        403, "csrf_failed", "This form was not sent from this site, or was open for too long.", "Reload the page."
    ).answer(request)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _Problem(
        404, "not_found", "There is nothing here, or you may not see it.", "Check the address and the project."
    ).answer(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return _Problem(500, "internal_error", "Something failed on our side. It has been logged.").answer(request)


def unavailable(request: HttpRequest, *, what: str) -> HttpResponse:
    """503: the store or the database does not answer; recording goes on meanwhile."""
    answer = _Problem(
        503,
        f"{what}_unavailable",
        f"The {what} does not answer at the moment.",
        "Traffic is still being recorded by the gateway. Try again in a moment.",
    ).answer(request)
    answer["Retry-After"] = "5"
    return answer
