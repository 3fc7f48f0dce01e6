"""What every page's header needs: the projects that this person may switch to, and the one they are in."""

from dataclasses import dataclass

from django.http import HttpRequest

from apps.accounts.access import projects_of
from apps.accounts.models import Project

__all__ = ["Navigation", "navigation"]


@dataclass(frozen=True, slots=True)
class Navigation:
    """`project` is None outside a project's pages."""

    projects: tuple[Project, ...] = ()
    project: Project | None = None


def navigation(request: HttpRequest) -> dict[str, Navigation]:
    """Template context processor: `nav`."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": Navigation()}
    projects = tuple(projects_of(user).order_by("organisation__name", "name"))
    match = request.resolver_match
    slug = match.kwargs.get("project", "") if match else ""
    current = next((project for project in projects if slug in {project.slug, str(project.pk)}), None)
    return {"nav": Navigation(projects=projects, project=current)}
