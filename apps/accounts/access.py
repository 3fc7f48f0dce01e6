"""The only lookups with permission: who asks, for what, to do what. An outsider learns nothing (404); a member without
the role is told so (403).
"""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from apps.accounts.models import Membership, Organisation, Project, Role, User

__all__ = [
    "access_organisation",
    "access_project",
    "has_role",
    "memberships_of",
    "projects_of",
    "role_in",
    "signed_in",
]

Visitor = User | AnonymousUser


def access_organisation(user: Visitor, slug: str, *, role: Role = Role.VIEWER) -> Organisation:
    """Return the organisation when the user has at least `role` in it."""
    membership = memberships_of(user).filter(organisation__slug=slug).first()
    if membership is None:
        raise Http404("No such organisation")
    _require(membership, role)
    return membership.organisation


def access_project(user: Visitor, slug: str, *, role: Role = Role.VIEWER) -> Project:
    """Return the project, named by slug or by id, when the user has at least `role` in its organisation."""
    projects = projects_of(user)
    project = projects.filter(slug=slug).first()
    if project is None and slug.isascii() and slug.isdigit() and int(slug) < 2**53:
        project = projects.filter(pk=int(slug)).first()
    if project is None:
        raise Http404("No such project")
    _require(memberships_of(user).get(organisation_id=project.organisation_id), role)
    return project


def projects_of(user: Visitor) -> QuerySet[Project]:
    """Every project that the user may see."""
    if not user.is_authenticated:
        return Project.objects.none()
    return Project.objects.filter(organisation__memberships__user_id=user.pk).select_related("organisation")


def memberships_of(user: Visitor) -> QuerySet[Membership]:
    """Every place the user holds."""
    if not user.is_authenticated:
        return Membership.objects.none()
    return Membership.objects.filter(user_id=user.pk).select_related("organisation")


def role_in(user: Visitor, organisation: Organisation) -> Role | None:
    """The user's role there, or None for an outsider."""
    membership = memberships_of(user).filter(organisation=organisation).first()
    return Role(membership.role) if membership else None


def has_role(user: Visitor, organisation: Organisation, least: Role) -> bool:
    """Whether to show what needs at least this role; who asks for it is still checked when they do it."""
    role = role_in(user, organisation)
    return role is not None and role.rank >= least.rank


def signed_in(user: Visitor) -> User:
    """The person behind a request; login_required has seen to it that it is somebody."""
    if not isinstance(user, User):
        raise TypeError("this view needs login_required")
    return user


def _require(membership: Membership, role: Role) -> None:
    if Role(membership.role).rank < role.rank:
        raise PermissionDenied(
            f"This needs the role {role.label.lower()} in {membership.organisation}; yours is {membership.role}."
        )
