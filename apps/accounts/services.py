"""What can be done to organisations, projects, members and keys. Keyword-only; the caller has asked access.py first."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.models import ApiKey, Deletion, Invitation, Membership, Organisation, Project, Role, User

__all__ = [
    "PUBLIC_PREFIX",
    "SECRET_PREFIX",
    "IssuedKey",
    "invitation_accept",
    "invitation_find",
    "invitation_withdraw",
    "key_find",
    "key_issue",
    "key_revoke",
    "member_invite",
    "membership_add",
    "membership_change",
    "membership_remove",
    "organisation_create",
    "organisation_rename",
    "project_create",
    "project_delete",
    "project_update",
    "secret_hash",
]

SECRET_PREFIX, PUBLIC_PREFIX = "sm-sk-", "sm-pk-"
_INVITATION_DAYS = 7
# Words that a project's address may not be, because pages live there.
_RESERVED = frozenset({"new", "settings", "accounts", "api", "static"})


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key and its secret, which is nowhere else and cannot be shown again."""

    key: ApiKey
    secret: str


def organisation_create(*, name: str, owner: User) -> Organisation:
    """Make an organisation and its first owner."""
    with transaction.atomic():
        slug = _free_slug(name, taken=set(Organisation.objects.values_list("slug", flat=True)))
        organisation = Organisation.objects.create(name=_named(name, "organisation"), slug=slug)
        Membership.objects.create(organisation=organisation, user=owner, role=Role.OWNER)
    return organisation


def organisation_rename(*, organisation: Organisation, name: str) -> Organisation:
    """Change the name; addresses stay as they are."""
    organisation.name = _named(name, "organisation")
    organisation.save(update_fields=["name"])
    return organisation


def project_create(
    *, organisation: Organisation, name: str, retention_days: int | None = None, project_id: int | None = None
) -> Project:
    """Make a project with an address of its own and, unless told which, a random id."""
    slug = _free_slug(name, taken=set(Project.objects.values_list("slug", flat=True)))
    project = Project(organisation=organisation, name=_named(name, "project"), slug=slug, retention_days=retention_days)
    if project_id is not None:
        project.pk = project_id
    project.full_clean()
    project.save(force_insert=True)
    return project


def project_update(*, project: Project, name: str, retention_days: int | None) -> Project:
    """Change name and retention."""
    project.name = _named(name, "project")
    project.retention_days = retention_days
    project.full_clean()
    project.save(update_fields=["name", "retention_days"])
    return project


def project_delete(*, project: Project) -> None:
    """Remove the project and its keys at once; the worker is told to remove its rows from the store."""
    with transaction.atomic():
        Deletion.objects.update_or_create(
            project_id=project.pk, defaults={"look_at": timezone.now(), "emptied_at": None}
        )
        project.delete()


def key_issue(*, project: Project, name: str, created_by: User | None, expires_at: datetime | None = None) -> IssuedKey:
    """Make a key. 256 random bits need no slow hash."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "This time has passed."})
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        project=project,
        public_key=PUBLIC_PREFIX + secrets.token_urlsafe(16),
        secret_hash=secret_hash(secret),
        name=_named(name, "key", longest=80),
        created_by=created_by,
        expires_at=expires_at,
    )
    return IssuedKey(key, secret)


def key_revoke(*, key: ApiKey, now: datetime | None = None) -> bool:
    """Stop a key for good; say whether this call did it."""
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now or timezone.now())
    return changed == 1


def key_find(secret: str, *, now: datetime | None = None) -> ApiKey | None:
    """The living key with this secret. Looking up its hash tells nothing about other secrets by the time it takes."""
    if not secret.startswith(SECRET_PREFIX) or len(secret) > 200:
        return None
    key = ApiKey.objects.select_related("project").filter(secret_hash=secret_hash(secret), revoked_at=None).first()
    if key is None or (key.expires_at is not None and key.expires_at <= (now or timezone.now())):
        return None
    return key


def secret_hash(secret: str) -> str:
    """How a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def membership_add(*, organisation: Organisation, user: User, role: Role) -> Membership:
    """Give a person a place, or leave the one they have."""
    membership, _ = Membership.objects.get_or_create(organisation=organisation, user=user, defaults={"role": role})
    return membership


def membership_change(*, membership: Membership, role: Role) -> Membership:
    """Change the role; an organisation keeps at least one owner."""
    with transaction.atomic():
        if role is not Role.OWNER:
            _keep_an_owner(membership)
        membership.role = role
        membership.save(update_fields=["role"])
    return membership


def membership_remove(*, membership: Membership) -> None:
    """Take the place away; an organisation keeps at least one owner."""
    with transaction.atomic():
        _keep_an_owner(membership)
        membership.delete()


def member_invite(*, organisation: Organisation, email: str, role: Role, invited_by: User) -> tuple[Invitation, str]:
    """Hold a place for an address; return it with the token of its link, which is not kept. A second one replaces the
    first.
    """
    address = email.strip().lower()
    validate_email(address)
    if Membership.objects.filter(organisation=organisation, user__email=address).exists():
        raise ValidationError({"email": f"{address} is a member already."})
    token = secrets.token_urlsafe(32)
    invitation, _ = Invitation.objects.update_or_create(
        organisation=organisation,
        email=address,
        defaults={
            "role": role,
            "token_hash": secret_hash(token),
            "invited_by": invited_by,
            "created_at": timezone.now(),
            "expires_at": timezone.now() + timedelta(days=_INVITATION_DAYS),
        },
    )
    return invitation, token


def invitation_find(token: str, *, now: datetime | None = None) -> Invitation | None:
    """The invitation that this link opens, while it is good."""
    found = Invitation.objects.select_related("organisation").filter(token_hash=secret_hash(token)).first()
    return found if found is not None and found.expires_at > (now or timezone.now()) else None


def invitation_accept(*, invitation: Invitation, user: User) -> Membership:
    """Take the place; the invitation is used up. The link is the proof, so any signed-in person who has it may."""
    with transaction.atomic():
        membership = membership_add(organisation=invitation.organisation, user=user, role=Role(invitation.role))
        invitation.delete()
    return membership


def invitation_withdraw(*, invitation: Invitation) -> None:
    """Make the link worthless."""
    invitation.delete()


def _keep_an_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.select_for_update().filter(organisation=membership.organisation, role=Role.OWNER)
    if len(owners) < 2:
        raise ValidationError("An organisation needs an owner; make somebody else owner first.")


def _named(name: str, what: str, *, longest: int = 120) -> str:
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= longest or "\x00" in cleaned:
        raise ValidationError({"name": f"The name of a {what} has 1 to {longest} characters."})
    return cleaned


def _free_slug(name: str, *, taken: set[str]) -> str:
    base = slugify(name)[:40] or "project"
    if base.isdigit() or base in _RESERVED:
        base = f"p-{base}"
    if base not in taken:
        return base
    # Random rather than counted: an address must not tell how many others chose the name.
    return f"{base}-{secrets.token_hex(3)}"
