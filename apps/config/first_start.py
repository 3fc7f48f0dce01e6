"""The first owner, organisation, project and key of an installation, and bootstrap.json, which says them to whoever may
read it.

Whatever happens between two runs, nothing that works stops working and no password is reset:
- database empty: rows are made from what bootstrap.json says where it exists (a run that died half-way, a database that
  was removed), else from new random values; the file is written before the rows are committed;
- database filled, the noted key lives: only the addresses are brought up to date;
- database filled, the noted key is nowhere (the file is gone, or the key's project was deleted): a new key is issued
  for the owner's oldest project; a password that is not known stays as it is;
- the noted key was revoked or has expired: somebody wanted it so, and no other is issued.

What a person did not ask for is said in `key_note`, for the terminal.
"""

import json
import secrets
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership, Organisation, Project, Role, User
from apps.config.secret_file import private_json_write

__all__ = ["Said", "first_start"]

Said = dict[str, str]
_NOTE = "key_note"
_WANTED = ("email", "password", "project_id", "public_key", "secret_key")


def first_start(path: Path, *, email: str, gateway_url: str, web_url: str) -> Said:
    """Make what is missing and return what bootstrap.json now says."""
    said = _read(path)
    said.pop(_NOTE, None)
    addresses = {"gateway_url": gateway_url, "web_url": web_url}
    with transaction.atomic():
        if not User.objects.exists():
            said = _credentials(said, email=email) | addresses
            project = _create(said)
            said["project"] = project.slug
            private_json_write(path, said)
            return said
        said = _living(said, email=email, web_url=web_url)
    said |= addresses
    if said != _read(path):
        private_json_write(path, said)
    return said


def _read(path: Path) -> Said:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


def _credentials(said: Said, *, email: str) -> Said:
    if all(said.get(name) for name in _WANTED) and said["project_id"].isdigit():
        return said
    return {
        "email": email,
        "password": secrets.token_urlsafe(15),
        "project": "",
        "project_id": str(Project._meta.pk.get_default()),
        "public_key": services.PUBLIC_PREFIX + secrets.token_urlsafe(16),
        "secret_key": services.SECRET_PREFIX + secrets.token_urlsafe(32),
    }


def _create(said: Said) -> Project:
    owner = User.objects.create_user(email=said["email"], password=said["password"])
    organisation = Organisation.objects.first() or services.organisation_create(name="My organisation", owner=owner)
    Membership.objects.get_or_create(organisation=organisation, user=owner, defaults={"role": Role.OWNER})
    project = services.project_create(organisation=organisation, name="My project", project_id=int(said["project_id"]))
    ApiKey.objects.create(
        project=project,
        public_key=said["public_key"],
        secret_hash=services.secret_hash(said["secret_key"]),
        name="First key",
        created_by=owner,
    )
    return project


def _living(said: Said, *, email: str, web_url: str) -> Said:
    """What is said, with a key that opens something, or with none and the reason."""
    noted = ApiKey.objects.filter(public_key=said.get("public_key", "")).first()
    secret = said.get("secret_key", "")
    if noted is not None:
        if secret and services.key_find(secret) is not None:
            return said
        if noted.revoked_at is not None or (noted.expires_at is not None and noted.expires_at <= timezone.now()):
            what = "was revoked" if noted.revoked_at is not None else "has expired"
            where = f"{web_url}/settings/projects/ (or remove bootstrap.json and start again)"
            return said | {"secret_key": "", _NOTE: f"none: {noted.name} {what}. Make another: {where}"}
    return _key_again(said, email=email, web_url=web_url)


def _key_again(said: Said, *, email: str, web_url: str) -> Said:
    owners = Membership.objects.filter(role=Role.OWNER).order_by("created_at").select_related("user")
    owner = owners.filter(user__email=said.get("email", "")).first() or owners.first()
    projects = Project.objects.order_by("created_at")
    project = projects.filter(organisation__memberships__in=owners.filter(user=owner.user)).first() if owner else None
    person = owner.user.email if owner else email
    kept = {"email": person, "password": said.get("password", "") if person == said.get("email") else ""}
    if project is None:
        none = dict.fromkeys(("project", "project_id", "public_key", "secret_key"), "")
        return kept | none | {_NOTE: f"none: there is no project. Make one: {web_url}/settings/projects/"}
    issued = services.key_issue(project=project, name="Issued again at start", created_by=None)
    why = "the noted one is no more" if said.get("secret_key") else "none was noted"
    return kept | {
        "project": project.slug,
        "project_id": str(project.pk),
        "public_key": issued.key.public_key,
        "secret_key": issued.secret,
        _NOTE: f"new, for {project.name}: {why}",
    }
