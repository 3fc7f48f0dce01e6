"""The trace page's scores: shown, given by thumb and by form, with a script and without, by who may."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.accounts.models import Role
from ingestion.records import SpanRecord
from ingestion.store.client import Store
from tests.apps.traces.test_score_api import Desk, desk
from tests.apps.visitors import signed_in
from tests.conftest import People
from tests.rows import Bench, call_at

__all__ = ["desk"]  # a fixture
pytestmark = pytest.mark.usefixtures("reading")
SCRIPT = {"hx-request": "true", "hx-target": "scores"}


@pytest.fixture
def span(store: Store, people: People) -> SpanRecord:
    """One trace of Alice's project."""
    made = call_at(datetime.now(UTC) - timedelta(minutes=1), name="look up")
    Bench(store, people.project.pk).spans(made)
    return made


@pytest.fixture
def bob(people: People) -> Client:
    return signed_in(people.bob)


def page(people: People, span: SpanRecord) -> str:
    return f"/p/{people.project.slug}/traces/{span.trace_id}/"


def test_a_form_without_a_script(desk: Desk, people: People, span: SpanRecord, bob: Client) -> None:
    form = {"id": "f1", "name": "tone", "value": "kind", "comment": "<b>so</b>", "span_id": span.span_id}
    for _ in range(2):  # a double click
        answer = bob.post(page(people, span) + "score", form, follow=True)
    assert answer.status_code == 200
    assert "Recorded: tone." in answer.content.decode()
    desk.settle()
    text = bob.get(page(people, span)).content.decode()
    assert "kind" in text
    assert "bob@example.org" in text
    assert "&lt;b&gt;so&lt;/b&gt;" in text
    (row,) = desk.listed()
    assert (row["author"], row["source"], row["span_id"]) == ("bob@example.org", "human", span.span_id)
    assert (row["data_type"], row["text_value"], row["comment"]) == ("category", "kind", "<b>so</b>")


def test_a_thumb_is_shown_at_once_and_turned_by_the_next(
    desk: Desk, people: People, span: SpanRecord, bob: Client
) -> None:
    for thumb, pressed in (("up", "true"), ("down", "false")):
        answer = bob.post(page(people, span) + "score", {"thumb": thumb}, headers=SCRIPT)
        text = answer.content.decode()
        assert "<html" not in text
        assert f'value="up" aria-pressed="{pressed}"' in text
        desk.settle()
    (row,) = desk.listed()
    assert (row["name"], row["value"]) == ("thumbs", 0.0)


@pytest.mark.parametrize(
    ("value", "kind", "number"), [("0.5", "number", 0.5), ("Yes", "boolean", 1.0), ("nan", "category", None)]
)
def test_the_value_says_what_kind_it_is(
    desk: Desk, people: People, span: SpanRecord, bob: Client, value: str, kind: str, number: float | None
) -> None:
    bob.post(page(people, span) + "score", {"id": "v", "name": "x", "value": value})
    desk.settle()
    assert [(row["data_type"], row["value"]) for row in desk.listed()] == [(kind, number)]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"id": "v", "name": "", "value": "1"}, "The name is missing."),
        ({"id": "v", "name": "x", "value": " "}, "The value is missing."),
        ({"id": "v", "name": "x", "value": "1", "span_id": "zz"}, "span_id=&#x27;zz&#x27; is no id"),
        ({"thumb": "sideways"}, "thumb=&#x27;sideways&#x27; is unknown"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    desk: Desk, people: People, span: SpanRecord, bob: Client, form: dict[str, str], says: str
) -> None:
    text = bob.post(page(people, span) + "score", form, headers=SCRIPT).content.decode()
    assert says in text
    assert f'name="name" maxlength="200" required value="{form.get("name", "")}"' in text
    assert says in bob.post(page(people, span) + "score", form, follow=True).content.decode()
    desk.settle()
    assert desk.listed() == []


def test_who_may(desk: Desk, people: People, span: SpanRecord, bob: Client) -> None:
    """A viewer sees scores and no form; the outsider finds nothing; nobody is sent to sign in."""
    action = page(people, span) + "score"
    form = {"id": "v", "name": "x", "value": "1"}
    assert bob.get(action).status_code == 405
    other = call_at(datetime.now(UTC) - timedelta(minutes=1))
    Bench(desk.world.store, people.other.pk).spans(other)
    assert bob.post(f"/p/{people.project.slug}/traces/{other.trace_id}/score", form).status_code == 404
    people.acme.memberships.filter(user=people.bob).update(role=Role.VIEWER)
    assert action not in bob.get(page(people, span)).content.decode()
    assert bob.post(action, form).status_code == 403
    stranger = signed_in(people.outsider)
    assert stranger.post(action, form).status_code == 404
    assert Client().post(action, form).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.alice)
    assert strict.post(action, form).status_code == 403
    desk.settle()
    assert desk.listed() == []
