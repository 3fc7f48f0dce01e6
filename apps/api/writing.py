"""What every view does that also writes: who may, how it is described, and pages of rows by their ids."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.access import access_project
from apps.accounts.models import Project, Role, User
from apps.analytics.parse import QueryError, page_from
from apps.api.parameters import PROJECT
from apps.api.reading import ReadView
from apps.api.scope import project_of
from apps.api.shapes import ErrorShape

__all__ = ["WriteView", "write_schema"]

Row = TypeVar("Row", bound=Model)
_ERRORS = dict.fromkeys((400, 401, 403, 404, 415, 429, 503), ErrorShape)


def write_schema(request: Any, answer: Any, *, summary: str, status: int = 200) -> Any:
    """Describe one write: only a browser session may, and must say which project."""
    return extend_schema(
        summary=summary, parameters=list(PROJECT), request=request, responses={status: answer, **_ERRORS},
        auth=["browserSession"],
    )  # fmt: skip


class WriteView(ReadView):
    """A view that may also write. A key reads; what changes something is done by a person with the role for it."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    changes: str  # what it changes, as the first word of a sentence

    def writable(self, request: Request, role: Role = Role.MEMBER) -> tuple[Project, User]:
        """The project and the person, who must hold the role there."""
        if not isinstance(request.user, User):
            raise PermissionDenied(f"A key reads. {self.changes} are changed by a person who is signed in.")
        project = project_of(request)
        return access_project(request.user, str(project.pk), role=role), request.user

    def page(self, request: Request, rows: QuerySet[Row], shape: Callable[[Row], Mapping[str, Any]]) -> Response:
        """One page, newest first; the ids sort by time."""
        page = page_from(request.query_params)
        if page.cursor:
            try:
                rows = rows.filter(pk__lt=uuid.UUID(page.cursor))
            except ValueError as error:
                raise QueryError("cursor", "cursor is none of ours", "`next` of the page before") from error
        found = list(rows.order_by("-pk")[: page.limit + 1])
        following = str(found[page.limit - 1].pk) if len(found) > page.limit else None
        return Response({"data": [shape(row) for row in found[: page.limit]], "next": following})
