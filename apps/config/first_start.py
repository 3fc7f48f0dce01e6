"""The first owner, organisation, project and key of an installation, and bootstrap.json, which says them to whoever may
read it.

Whatever happens between two runs, nothing that works stops working and no password is reset:
- database empty: rows are made from what bootstrap.json says where it exists (a run that died half-way, a database that
was
  removed), else from new random values; the file is written before the rows are committed;
- database filled, file there: only the addresses are brought up to date;
- database filled, file gone: a new key is issued for the oldest project; the password is not known and stays as it is.
"""

import json
import secrets
from pathlib import Path

from django.db import transaction

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership, Organisation, Project, Role, User
from apps.config.secret_file import private_json_write

__all__ = ["Said", "first_start"]

Said = dict[str, str]
_WANTED = ("email", "password", "project_id", "public_key", "secret_key")


def first_start(path: Path, *, email: str, gateway_url: str, web_url: str) -> Said:
    """Make what is missing and return what bootstrap.json now says."""
    said = _read(path)
    addresses = {"gateway_url": gateway_url, "web_url": web_url}
    with transaction.atomic():
        if not User.objects.exists():
            said = _credentials(said, email=email) | addresses
            project = _create(said)
            said["project"] = project.slug
            private_json_write(path, said)
            return said
        if not said.get("secret_key"):
            said = _key_again(email=email)
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


def _key_again(*, email: str) -> Said:
    project = Project.objects.order_by("created_at").first()
    owner = Membership.objects.filter(role=Role.OWNER).order_by("created_at").select_related("user").first()
    if project is None:
        return {"email": owner.user.email if owner else email, "password": ""}
    issued = services.key_issue(project=project, name="Issued again at start", created_by=None)
    return {
        "email": owner.user.email if owner else email,
        "password": "",
        "project": project.slug,
        "project_id": str(project.pk),
        "public_key": issued.key.public_key,
        "secret_key": issued.secret,
    }
