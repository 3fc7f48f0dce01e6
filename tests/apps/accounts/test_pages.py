"""The settings pages: what each person sees and may do. The outsider finds nothing anywhere."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiKey, Deletion, Invitation, Membership, Project, Role, User
from tests.conftest import People

PASSWORD = "long-enough-and-odd-42"


def as_user(user: User | None) -> Client:
    """A browser, signed in."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.django_db
def test_signing_in_by_email_leads_home(people: People) -> None:
    client = Client()
    assert client.get("/").url == "/accounts/login/?next=/"  # type: ignore[attr-defined]
    answer = client.post("/accounts/login/", {"login": "ALICE@example.org", "password": "alice-has-a-password"})
    assert answer.status_code == 302
    assert client.get("/").url == f"/p/{people.project.slug}/"  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_strangers_cannot_make_an_account(people: People) -> None:
    form = {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    Client().post("/accounts/signup/", form)
    assert not User.objects.filter(email="eve@example.org").exists()


def pages(people: People) -> list[str]:
    """Every page that is about Alice's organisation or project."""
    return [
        f"/settings/projects/{people.project.slug}/",
        f"/settings/projects/{people.project.slug}/keys/",
        f"/settings/organisations/{people.acme.slug}/members/",
    ]


def changes(people: People, key: ApiKey, invitation: Invitation) -> dict[str, dict[str, str]]:
    """Every form that changes something, with what would be sent."""
    project, acme = people.project.slug, people.acme.slug
    bob = Membership.objects.get(user=people.bob).pk
    return {
        f"/settings/projects/{project}/": {"name": "Taken over"},
        f"/settings/projects/{project}/delete/": {"name": people.project.name},
        f"/settings/projects/{project}/keys/": {"name": "mine"},
        f"/settings/projects/{project}/keys/{key.pk}/revoke/": {},
        f"/settings/organisations/{acme}/projects/": {"name": "New"},
        f"/settings/organisations/{acme}/members/": {"email": "eve@example.org", "role": "owner"},
        f"/settings/organisations/{acme}/members/{bob}/role/": {"role": "owner"},
        f"/settings/organisations/{acme}/invitations/{invitation.pk}/withdraw/": {},
    }


@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("bob", 200), ("outsider", 404), ("nobody", 302)])
def test_who_sees_the_settings(people: People, who: str, status: int) -> None:
    client = as_user(getattr(people, who, None))
    for page in pages(people):
        assert client.get(page).status_code == status, page


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("outsider", 404), ("nobody", 302)])
def test_who_may_not_change_them(people: People, who: str, status: int) -> None:
    key = services.key_issue(project=people.project, name="k", created_by=None).key
    invitation, _ = services.member_invite(
        organisation=people.acme, email="dan@example.org", role=Role.VIEWER, invited_by=people.alice
    )
    client = as_user(getattr(people, who, None))
    for path, form in changes(people, key, invitation).items():
        assert client.post(path, form).status_code == status, path
    assert ApiKey.objects.get(revoked_at=None) == key
    assert Project.objects.filter(organisation=people.acme).count() == 1
    assert Invitation.objects.get() == invitation
    assert Membership.objects.get(user=people.bob).role == Role.MEMBER


def test_an_owner_deletes_a_project_by_typing_its_name(people: People) -> None:
    alice, slug = as_user(people.alice), people.project.slug
    issued = services.key_issue(project=people.project, name="k", created_by=None)
    page = f"/settings/projects/{slug}/"
    assert "Delete this project" in alice.get(page).content.decode()
    answer = alice.post(f"{page}delete/", {"name": "Somewhere else"}, follow=True)
    assert "Nothing was deleted: type the name of the project, Assistant." in answer.content.decode()
    assert services.key_find(issued.secret) == issued.key
    answer = alice.post(f"{page}delete/", {"name": " Assistant "}, follow=True)
    assert "Assistant was deleted" in answer.content.decode()
    assert services.key_find(issued.secret) is None
    assert alice.get(page).status_code == 404
    assert list(Project.objects.all()) == [people.other]
    assert Deletion.objects.get().project_id == people.project.pk


def test_an_admin_may_not_delete_a_project(people: People) -> None:
    Membership.objects.filter(user=people.bob).update(role=Role.ADMIN)
    bob, page = as_user(people.bob), f"/settings/projects/{people.project.slug}/"
    assert "Delete this project" not in bob.get(page).content.decode()
    assert bob.post(f"{page}delete/", {"name": people.project.name}).status_code == 403
    assert Project.objects.filter(pk=people.project.pk).exists()


def test_a_secret_is_shown_once_and_kept_as_a_hash(people: People) -> None:
    client = as_user(people.alice)
    page = f"/settings/projects/{people.project.slug}/keys/"
    answer = client.post(page, {"name": "staging", "expires": "30"})
    key = ApiKey.objects.get()
    secret = answer.context["issued"].secret
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert key.secret_hash == services.secret_hash(secret)
    assert services.key_find(secret) == key
    assert key.expires_at is not None
    again = client.get(page).content.decode()
    assert secret not in again
    assert key.public_key in again
    client.post(f"{page}{key.pk}/revoke/")
    assert services.key_find(secret) is None


def test_another_projects_key_cannot_be_revoked_through_ones_own(people: People) -> None:
    key = services.key_issue(project=people.other, name="k", created_by=None).key
    answer = as_user(people.alice).post(f"/settings/projects/{people.project.slug}/keys/{key.pk}/revoke/")
    assert answer.status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_an_invited_person_makes_an_account_and_joins(people: People) -> None:
    alice = as_user(people.alice)
    answer = alice.post(
        f"/settings/organisations/{people.acme.slug}/members/", {"email": "Dan@Example.org", "role": "viewer"}
    )
    link = answer.context["link"]
    path = link.removeprefix("http://testserver")
    dan = Client()
    assert "dan@example.org" in dan.get(path).content.decode()
    assert "too common" in dan.post(path, {"password": "password1234"}).content.decode()
    assert dan.post(path, {"password": PASSWORD}).status_code == 302
    assert Membership.objects.get(user__email="dan@example.org").role == Role.VIEWER
    assert dan.get(f"/settings/projects/{people.project.slug}/").status_code == 200
    assert Client().get(path).status_code == 404  # used up


def test_a_link_does_not_take_over_an_account_that_exists(people: People) -> None:
    _, token = services.member_invite(
        organisation=people.acme, email=people.outsider.email, role=Role.VIEWER, invited_by=people.alice
    )
    stranger = Client()
    stranger.post(f"/settings/invitations/{token}/", {"password": PASSWORD})
    assert not Membership.objects.filter(user=people.outsider, organisation=people.acme).exists()
    as_user(people.outsider).post(f"/settings/invitations/{token}/")
    assert Membership.objects.filter(user=people.outsider, organisation=people.acme).exists()


def test_an_old_invitation_is_worthless(people: People) -> None:
    invitation, token = services.member_invite(
        organisation=people.acme, email="dan@example.org", role=Role.VIEWER, invited_by=people.alice
    )
    later = timezone.now() + timedelta(days=8)
    assert services.invitation_find(token) == invitation
    assert services.invitation_find(token, now=later) is None


def test_the_last_owner_stays_and_an_admin_makes_no_owner(people: People) -> None:
    membership = Membership.objects.get(user=people.alice)
    members = f"/settings/organisations/{people.acme.slug}/members/"
    as_user(people.alice).post(f"{members}{membership.pk}/remove/")
    as_user(people.alice).post(f"{members}{membership.pk}/role/", {"role": "viewer"})
    membership.refresh_from_db()
    assert membership.role == Role.OWNER
    bob = Membership.objects.get(user=people.bob)
    services.membership_change(membership=bob, role=Role.ADMIN)
    assert as_user(people.bob).post(f"{members}{bob.pk}/role/", {"role": "owner"}).status_code == 403
    assert as_user(people.bob).post(f"{members}{membership.pk}/remove/").status_code == 403
    assert as_user(people.bob).post(members, {"email": "e@example.org", "role": "owner"}).status_code == 403


def test_a_new_project_gets_an_id_that_json_keeps_and_a_free_address(people: People) -> None:
    first = services.project_create(organisation=people.acme, name="Assistant")
    assert 0 < first.pk < 2**53
    assert first.slug.startswith("assistant-")
    numeric = services.project_create(organisation=people.acme, name="2024")
    assert numeric.slug == "p-2024"  # a bare number would be taken for an id


@pytest.mark.parametrize("name", ["", " ", "x" * 121, "a\x00b"])
def test_a_name_must_be_one(people: People, name: str) -> None:
    answer = as_user(people.alice).post(f"/settings/organisations/{people.acme.slug}/projects/", {"name": name})
    assert answer.status_code == 400
    assert answer.context["form"].errors
