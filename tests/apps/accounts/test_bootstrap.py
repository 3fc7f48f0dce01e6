"""`manage.py bootstrap`: what the first start makes, and what no later one may change."""

import json
import stat
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiKey, Organisation, Project, User
from apps.config.first_start import Said, first_start
from apps.config.secret_file import secrets_ensure

pytestmark = pytest.mark.django_db


def start(home: Path, *, web_url: str = "http://web") -> Said:
    """One start."""
    return first_start(
        home / "bootstrap.json", email="owner@example.com", gateway_url="http://gateway", web_url=web_url
    )


def test_the_first_start_makes_everything_and_says_it(tmp_path: Path) -> None:
    said = start(tmp_path)
    assert json.loads((tmp_path / "bootstrap.json").read_text()) == said
    assert stat.S_IMODE((tmp_path / "bootstrap.json").stat().st_mode) == 0o600
    owner = User.objects.get()
    assert owner.check_password(said["password"])
    key = services.key_find(said["secret_key"])
    assert key is not None
    assert (key.public_key, str(key.project.pk), key.project.slug) == (
        said["public_key"],
        said["project_id"],
        said["project"],
    )
    assert (said["gateway_url"], said["web_url"], said["email"]) == ("http://gateway", "http://web", owner.email)
    assert len(said["secret_key"]) == len("sm-sk-") + 43
    assert len(said["public_key"]) == len("sm-pk-") + 22


def test_a_second_start_keeps_everything_and_follows_the_addresses(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert start(tmp_path) == first
    assert start(tmp_path, web_url="https://new") == first | {"web_url": "https://new"}
    assert (User.objects.count(), Organisation.objects.count(), ApiKey.objects.count()) == (1, 1, 1)


def test_a_lost_file_gives_a_new_key_and_resets_nothing(tmp_path: Path) -> None:
    first = start(tmp_path)
    (tmp_path / "bootstrap.json").unlink()
    again = start(tmp_path)
    assert again["password"] == ""
    assert (again["project_id"], again["email"]) == (first["project_id"], first["email"])
    assert User.objects.get().check_password(first["password"])
    assert services.key_find(first["secret_key"]) is not None
    assert services.key_find(again["secret_key"]) is not None
    assert again.pop("key_note") == "new, for My project: none was noted"
    assert start(tmp_path) == again


def test_a_key_that_went_with_its_project_is_followed_by_one_of_the_owners_next_project(tmp_path: Path) -> None:
    first = start(tmp_path)
    owner = User.objects.get()
    stranger = User.objects.create_user(email="stranger@example.org", password=None)
    elsewhere = services.organisation_create(name="Elsewhere", owner=stranger)
    services.project_create(organisation=elsewhere, name="Not the owner's")
    kept = services.project_create(organisation=Organisation.objects.exclude(pk=elsewhere.pk).get(), name="Kept")
    services.project_delete(project=Project.objects.get(pk=first["project_id"]))
    again = start(tmp_path)
    key = services.key_find(again["secret_key"])
    assert key is not None
    assert (key.project, again["project"], again["project_id"]) == (kept, kept.slug, str(kept.pk))
    assert (again["email"], again["password"]) == (owner.email, first["password"])
    assert json.loads((tmp_path / "bootstrap.json").read_text()) == again
    assert again.pop("key_note") == "new, for Kept: the noted one is no more"
    assert start(tmp_path) == again, "the next start changes nothing, and has nothing to say"


def test_without_any_project_no_key_is_noted_until_there_is_one(tmp_path: Path) -> None:
    first = start(tmp_path)
    services.project_delete(project=Project.objects.get())
    for _ in range(2):
        none = start(tmp_path)
        assert (none["secret_key"], none["project"], none["email"]) == ("", "", first["email"])
        assert "there is no project" in none["key_note"]
        assert first["secret_key"] not in (tmp_path / "bootstrap.json").read_text()
    project = services.project_create(organisation=Organisation.objects.get(), name="Next")
    key = services.key_find(start(tmp_path)["secret_key"])
    assert key is not None
    assert key.project == project


@pytest.mark.parametrize(
    ("stopped", "says"),
    [({"revoked_at": timezone.now()}, "was revoked"), ({"expires_at": timezone.now()}, "has expired")],
    ids=["revoked", "expired"],
)
def test_a_key_that_somebody_stopped_is_not_replaced(tmp_path: Path, stopped: dict[str, datetime], says: str) -> None:
    first = start(tmp_path)
    ApiKey.objects.update(**stopped)
    for _ in range(2):
        again = start(tmp_path)
        assert (again["secret_key"], again["project"]) == ("", first["project"])
        assert f"First key {says}" in again["key_note"]
        assert ApiKey.objects.count() == 1


def test_a_lost_database_is_made_again_with_the_same_project_and_key(tmp_path: Path) -> None:
    first = start(tmp_path)
    User.objects.all().delete()
    Organisation.objects.all().delete()
    again = start(tmp_path)
    assert again == first
    assert Project.objects.get().pk == int(first["project_id"])
    assert services.key_find(first["secret_key"]) is not None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"email": "x"}'])
def test_a_damaged_file_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "bootstrap.json").write_text(content)
    said = start(tmp_path)
    assert services.key_find(said["secret_key"]) is not None


def test_secrets_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    made = secrets_ensure(tmp_path / "home")
    assert secrets_ensure(tmp_path / "home") == made
    assert set(made) == {"django_secret_key", "store_password"}
    path = tmp_path / "home" / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(json.dumps({"store_password": "mine"}))
    assert secrets_ensure(tmp_path / "home")["store_password"] == "mine"
    assert list((tmp_path / "home").iterdir()) == [path]
