"""Silences through the API: made, listed, in force for deliveries, ended; by members alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.alerts.channel_services import channel_create
from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Delivery, Incident, Rule, Silence
from apps.alerts.services import rule_create
from apps.analytics.run import reads
from ingestion.records import SpanStatus
from ingestion.store.client import Store
from tests.apps.alerts.watching import ERRORS
from tests.apps.visitors import holding_a_key, signed_in
from tests.conftest import People
from tests.rows import Bench, call_at

pytestmark = pytest.mark.usefixtures("reading")


@pytest.fixture
def rule(people: People) -> Rule:
    """A rule that will fire as soon as there are errors, with a channel."""
    hook = channel_create(project=people.project, name="hook", kind="webhook", values={"url": "https://example.com/"})
    return rule_create(
        project=people.project, name="Errors", spec=ERRORS, channels=[str(hook.channel.pk)], now=datetime.now(UTC)
    )


def ask(people: People, method: str, path: str = "", body: Any = None, *, who: str = "bob", project: Any = None) -> Any:
    client = signed_in(getattr(people, who))
    slug = (project or people.project).slug
    return getattr(client, method)(f"/api/v1/silences{path}?project={slug}", body, content_type="application/json")


def test_a_silence_keeps_messages_back_until_it_is_ended(people: People, store: Store, rule: Rule) -> None:
    """The incident is recorded; the delivery says that it was silenced, and by what."""
    made = ask(people, "post", body={"for": "2h", "rule_id": str(rule.pk), "comment": "moving house"})
    assert made.status_code == 201, made.content
    silence = made.json()
    assert (silence["state"], silence["rule_name"], silence["created_by"]) == ("in_force", "Errors", people.bob.email)
    now = datetime.now(UTC)
    bench = Bench(store, people.project.pk)
    bench.spans(*(call_at(now - timedelta(minutes=2), status=SpanStatus.ERROR) for _ in range(5)))
    evaluate_due(reads(), now=now)
    assert Incident.objects.count() == 1
    delivery = Delivery.objects.get()
    assert delivery.status == Delivery.Status.SILENCED
    assert "moving house" in delivery.problem
    assert ask(people, "delete", f"/{silence['id']}").status_code == 204
    assert ask(people, "get", f"/{silence['id']}").json()["state"] == "over"
    assert ask(people, "delete", f"/{silence['id']}").status_code == 204, "ending it twice changes nothing"


def test_the_list_by_state_and_page(people: People) -> None:
    now = datetime.now(UTC)
    for number in range(3):
        assert ask(people, "post", body={"for": "1h", "comment": str(number)}).status_code == 201
    later = {"starts_at": (now + timedelta(days=1)).isoformat(), "ends_at": (now + timedelta(days=2)).isoformat()}
    assert ask(people, "post", body={**later, "labels": {"model": "gpt-4o"}}).json()["state"] == "coming"
    url = f"/api/v1/silences?project={people.project.slug}"
    client = signed_in(people.alice)
    assert [one["comment"] for one in client.get(f"{url}&state=in_force").json()["data"]] == ["2", "1", "0"]
    assert client.get(f"{url}&state=over").json()["data"] == []
    [coming] = client.get(f"{url}&state=coming").json()["data"]
    assert (coming["labels"], coming["rule_id"], coming["rule_name"]) == ({"model": "gpt-4o"}, None, None)
    seen: list[str] = []
    page = client.get(f"{url}&limit=3").json()
    seen += [one["id"] for one in page["data"]]
    page = client.get(f"{url}&limit=3&cursor={page['next']}").json()
    seen += [one["id"] for one in page["data"]]
    assert len(set(seen)) == 4
    assert page["next"] is None
    assert client.get(f"{url}&state=gone").status_code == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "for"),
        ({"for": "2h", "ends_at": "2190-01-01T00:00:00Z"}, "for"),
        ({"for": "soon"}, "soon"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "2020-01-01"),
        ({"ends_at": "2190-01-01T00:00:00Z"}, "2190-01-01"),
        ({"ends_at": "2026-13-45T00:00:00Z"}, "2026-13-45"),
        ({"ends_at": "2150-01-01T00:00:00"}, "2150-01-01"),
        ({"ends_at": 5}, "ends_at=5"),
        ({"for": "1h", "starts_at": "9999-12-31T23:59:59Z"}, "9999"),
        ({"for": "1h", "rule_id": "nobody"}, "nobody"),
        ({"for": "1h", "rule_id": "0192f0c1-2d3e-7000-8000-000000000000"}, "0192f0c1"),
        ({"for": "1h", "labels": ["x"]}, "labels"),
        ({"for": "1h", "labels": {"x": 1}}, "labels"),
        ({"for": "1h", "comment": "x" * 301}, "comment"),
        ({"for": "1h", "wat": 1}, "wat"),
        ([], "object"),
    ],
)
def test_a_wrong_silence_is_refused_by_name(people: People, body: Any, named: str) -> None:
    answer = ask(people, "post", body=body)
    assert answer.status_code == 400, answer.content
    assert named in answer.json()["error"]["message"]
    assert Silence.objects.count() == 0


def test_outsiders_and_keys_change_nothing(people: People, rule: Rule) -> None:
    """An outsider finds no project, and in their own no silence of another's; a key reads."""
    silence = ask(people, "post", body={"for": "1h"}).json()
    path = f"/{silence['id']}"
    for method, where, body in (
        ("get", "", None),
        ("post", "", {"for": "1h"}),
        ("get", path, None),
        ("delete", path, None),
    ):
        assert ask(people, method, where, body, who="outsider").status_code == 404
    for method in ("get", "delete"):
        assert ask(people, method, path, who="outsider", project=people.other).status_code == 404
    theirs = ask(people, "post", body={"for": "1h", "rule_id": str(rule.pk)}, who="outsider", project=people.other)
    assert theirs.status_code == 400, "another project's rule is a rule of nobody"
    client = holding_a_key(people.project)
    assert client.get("/api/v1/silences").json()["data"][0]["id"] == silence["id"]
    assert client.get(f"/api/v1/silences{path}").status_code == 200
    assert client.post("/api/v1/silences", {"for": "1h"}, content_type="application/json").status_code == 403
    assert client.delete(f"/api/v1/silences{path}").status_code == 403
    assert Client().get("/api/v1/silences").status_code == 401
    assert Silence.objects.get().ends_at > datetime.now(UTC)
    assert ask(people, "get", "/nonsense").status_code == 404
