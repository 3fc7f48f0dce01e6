"""A form that is refused is shown again with what is wrong, and answered 400: in every room alike."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import Role
from tests.conftest import People
from tests.rows import Bench, call_at

pytestmark = pytest.mark.usefixtures("reading")

BASE = Path(__file__).parents[2] / "frontend" / "templates" / "base.html"


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        ("/settings/projects/{project}/", {"name": ""}, "This field is required"),
        ("/settings/projects/{project}/", {"name": "x", "retention_days": "0"}, "greater than or equal to 1"),
        ("/settings/projects/{project}/keys/", {"name": ""}, "This field is required"),
        ("/settings/organisations/{organisation}/projects/", {"name": ""}, "This field is required"),
        ("/settings/organisations/{organisation}/members/", {"email": "nobody", "role": "member"}, "valid email"),
        (
            "/settings/organisations/{organisation}/members/",
            {"email": "bob@example.org", "role": "member"},
            "member already",
        ),
        ("/p/{project}/alerts/rules/new/", {"name": "", "do": "save"}, "This field is required"),
        ("/p/{project}/alerts/rules/new/", {"name": "", "do": "try"}, "This field is required"),
        ("/p/{project}/alerts/channels/", {"name": "bad", "v-url": "gopher://x"}, "cannot be called"),
        ("/p/{project}/alerts/channels/", {"name": "", "v-url": "https://example.com"}, "This field is required"),
        ("/p/{project}/alerts/quiet/", {"do": "silence", "length": "9y"}, "Select a valid choice"),
        ("/p/{project}/alerts/quiet/", {"do": "maintenance", "name": ""}, "This field is required"),
        ("/p/{project}/evaluations/new/length/", {"name": "", "do": "save"}, "This field is required"),
        ("/p/{project}/evaluations/new/length/", {}, "This field is required"),
    ],
)
def test_a_refused_form_is_shown_again_as_a_bad_request(
    alice: Client, people: People, path: str, form: dict[str, str], says: str
) -> None:
    answer = alice.post(path.format(project=people.project.slug, organisation=people.acme.slug), form)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert says in text
    assert "<form" in text


def test_an_invitation_whose_password_is_refused_is_shown_again(people: People) -> None:
    _, token = services.member_invite(
        organisation=people.acme, email="new@example.org", role=Role.MEMBER, invited_by=people.alice
    )
    answer = Client().post(f"/settings/invitations/{token}/", {"password": "short"})
    assert answer.status_code == 400
    assert "too short" in answer.content.decode()


def test_a_refused_score_replaces_its_card(alice: Client, people: People, rows: Bench, recent: datetime) -> None:
    call = call_at(recent)
    rows.spans(call)
    answer = alice.post(
        f"/p/{people.project.slug}/traces/{call.trace_id}/score",
        {"id": "v", "name": "", "value": "1"},
        headers={"HX-Request": "true", "HX-Target": "scores"},
    )
    assert answer.status_code == 400
    assert answer.content.decode().lstrip().startswith('<section class="card scores" id="scores"')


def test_the_script_swaps_a_bad_request_in() -> None:
    handled = re.findall(r'\{"code": "([^"]+)", "swap": (true|false)', BASE.read_text())
    first = next(swap for code, swap in handled if re.fullmatch(code, "400"))
    assert first == "true"
