"""Which project a request is about. The only place where an API view gets a project from."""

from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from apps.accounts.access import access_project
from apps.accounts.models import Project, Role
from apps.analytics.parse import QueryError
from apps.api.authentication import KeyHolder

__all__ = ["project_of"]


def project_of(request: Request, *, role: Role = Role.VIEWER) -> Project:
    """A key's own project; for a person with at least `role`, the one that `project` names. Anybody else's does not
    exist.
    """
    named = request.query_params.get("project", "")
    if isinstance(request.user, KeyHolder):
        project = request.user.project
        if named and named not in {project.slug, str(project.pk)}:
            raise NotFound("No such project")
        return project
    if not named:
        raise QueryError("project", "project is missing", "the project's slug or id; only a key implies one")
    return access_project(request.user, named, role=role)
