"""Pages of scores over a real store: what was given is shown, text stays text, outsiders see nothing."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.evals.score_pages.contexts import NamesContext, ScoreContext
from apps.evals.score_pages.words import spark_path
from ingestion.store.client import Store
from tests.apps.ui.template_names import names_used
from tests.browser.sample import SIZES
from tests.browser.stage import played
from tests.conftest import People
from tests.rows import Bench, call_at, score_at

pytestmark = pytest.mark.usefixtures("reading")
HOSTILE = "<script>alert(1)</script>"
FROM_PROCESSORS = {"request", "nav", "messages", "user", "perms", "csrf_token", "block"}


@pytest.fixture
def judged(store: Store, people: People) -> str:
    """A good and a bad answer of an hour ago, judged in three ways; returns the bad one's trace."""
    bench, at = Bench(store, people.project.pk), datetime.now(UTC) - timedelta(hours=1)
    good = call_at(at, model="gpt-4o", cost="0.5", user_id="u1", service="web")
    bad = call_at(at, model="tiny", cost="0.25", user_id=HOSTILE, trace_name=HOSTILE)
    bench.spans(good, bad)
    for span, value in ((good, 0.9), (bad, 0.125)):
        about: dict[str, Any] = {"trace_id": span.trace_id, "span_id": span.span_id, "session_id": ""}
        bench.scores(
            score_at(at, value=value, name="groundedness", comment=f"{HOSTILE} of {value}", **about),
            score_at(at, value=float(value > 0.5), name="helpful", data_type="boolean", **about),
            score_at(at, value=None, name="tone", data_type="category", text_value=HOSTILE, **about),  # type: ignore[arg-type]
            score_at(at, value=None, name="groundedness", **about),  # type: ignore[arg-type]
        )
    return bad.trace_id


def text_of(
    client: Client, people: People, path: str = "", *, status: int = 200, headers: dict[str, str] | None = None
) -> str:
    answer = client.get(f"/p/{people.project.slug}/scores/{path}", headers=headers or {})
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


@pytest.mark.parametrize(("template", "context"), [("scores", NamesContext), ("score", ScoreContext)])
def test_a_page_uses_what_its_context_declares_and_nothing_else(template: str, context: type) -> None:
    assert names_used(f"evals/{template}.html") - FROM_PROCESSORS == {field.name for field in fields(context)}


def test_the_list_names_every_score(alice: Client, people: People, judged: str) -> None:
    text = text_of(alice, people)
    for name in ("groundedness", "helpful", "tone"):
        assert f"name={name}" in text
    assert "0.512" in text  # the mean of 0.9 and 0.125
    assert "50.0%" in text  # helpful
    assert "No score was given" not in text


def test_the_first_score_is_explained_where_there_is_none(alice: Client, people: People) -> None:
    text = text_of(alice, people)
    assert "No score was given in this range" in text
    assert "spanmeter.score(" in text
    assert "/api/v1/scores" in text


def test_one_score_is_shown_from_every_side(alice: Client, people: People, judged: str) -> None:
    text = text_of(alice, people, "trend/?name=groundedness")
    for title in ("Mean", "Distribution", "Score beside cost", "By model", "Worst examples"):
        assert title in text
    assert "50.0%" in text  # half gave no verdict
    rows = re.findall(r'<tr data-href="([^"]+)">', text)
    assert judged in rows[0], "the lowest comes first"
    turned = text_of(alice, people, "trend/?name=groundedness&worst=highest")
    assert judged in re.findall(r'<tr data-href="([^"]+)">', turned)[1]
    assert "By user" in text_of(alice, people, "trend/?name=groundedness&by=user")
    assert "Share that is true" in text_of(alice, people, "trend/?name=helpful")
    assert "Share of each category" in text_of(alice, people, "trend/?name=tone")
    assert "No verdict in this range" in text_of(alice, people, "trend/?name=never")


def test_a_filter_narrows_the_page_and_has_a_chip(alice: Client, people: People, judged: str) -> None:
    text = text_of(alice, people, "trend/?name=groundedness&model=gpt-4o")
    assert judged not in text
    assert "Remove Model gpt-4o" in text
    assert "name=groundedness" in text, "the score is lost when a filter changes"


def test_part_of_a_page_is_the_page_without_its_frame(alice: Client, people: People, judged: str) -> None:
    headers = {"hx-request": "true", "hx-target": "score"}
    text = text_of(alice, people, "trend/?name=helpful", headers=headers)
    assert "<html" not in text
    assert 'id="score"' in text


def test_names_and_comments_stay_text(alice: Client, people: People, judged: str) -> None:
    for path in ("", *(f"trend/?name={name}&by=user" for name in ("groundedness", "helpful", "tone"))):
        assert HOSTILE not in text_of(alice, people, path)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("trend/", "name is missing"),
        ("trend/?name=x&by=colour", "by=&#x27;colour&#x27; is not accepted"),
        ("trend/?name=x&worst=best", "worst=&#x27;best&#x27; is not accepted"),
        ("trend/?name=x&q=hello", "q does not search scores"),
        ("trend/?name=x&status=ok", "status is not a filter"),
        ("trend/?name=x%00", "is no name of a score"),
        (f"trend/?name={'x' * 201}", "is no name of a score"),
        ("?range=soon", "range=&#x27;soon&#x27;"),
        ("?model=x", "model is not a filter of scores"),
    ],
)
def test_what_cannot_be_read_is_named(alice: Client, people: People, path: str, says: str) -> None:
    assert says in text_of(alice, people, path, status=400)


def test_outsiders_see_no_page(people: People, judged: str) -> None:
    client = Client()
    for path in ("", "trend/?name=groundedness"):
        assert client.get(f"/p/{people.project.slug}/scores/{path}").status_code == 302
    client.force_login(people.outsider)
    for path in ("", "trend/?name=groundedness"):
        assert client.get(f"/p/{people.project.slug}/scores/{path}").status_code == 404
        assert judged not in client.get(f"/p/{people.other.slug}/scores/{path}").content.decode()


def test_a_course_is_drawn_with_its_gaps() -> None:
    assert spark_path([None, None]) == ""
    assert spark_path([0.0, 1.0]) == "M2.0 22.0h.01L118.0 2.0"
    assert spark_path([0.5, None, 0.5]).count("M") == 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", ["", "trend/?name=groundedness", "trend/?name=tone&worst=highest"])
def test_every_page_renders_every_size(alice: Client, people: People, path: str, size: str) -> None:
    with played(lambda: size):
        text = text_of(alice, people, path)
    assert "<h1" in text
    assert HOSTILE not in text
