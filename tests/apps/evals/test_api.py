"""Evaluators, rules and back-fills as JSON: what a key reads, what a person changes, and what nobody else does."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import ApiKey
from apps.evals.backfills import backfill_plan
from apps.evals.evaluators import evaluator_names
from apps.evals.models import Backfill, EvaluationRule
from tests.apps.evals.judging import LENGTH, Desk
from tests.apps.evals.test_evaluate import calls
from tests.apps.visitors import holding_a_key, signed_in, viewer_of
from tests.conftest import People

pytestmark = pytest.mark.usefixtures("reading")


@pytest.fixture
def backfill(desk: Desk) -> Backfill:
    """A planned one, of a rule of Alice's project, over two calls."""
    calls(desk, 2)
    start = desk.now - timedelta(hours=1)
    return backfill_plan(rule=desk.rule(), start=start, end=desk.now, by=None, reads=desk.reads, now=desk.now)


def send(client: Client, method: str, path: str, project: str, body: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}?project={project}", body, content_type="application/json")


def test_keys_and_members_read_and_outsiders_find_nothing(people: People, backfill: Backfill) -> None:
    key = holding_a_key(people.project)
    theirs = holding_a_key(people.other)
    rule = backfill.rule_id
    for path in ("evaluation-rules", f"evaluation-rules/{rule}", "backfills", f"backfills/{backfill.pk}"):
        url = f"/api/v1/{path}"
        assert key.get(url).status_code == 200, path
        other = theirs.get(url)
        assert other.status_code == 404 if "/" in path else other.json()["data"] == [], path
        for user, status in ((people.alice, 200), (people.bob, 200), (people.outsider, 404)):
            assert signed_in(user).get(f"{url}?project={people.project.slug}").status_code == status, (path, user)
        assert Client().get(url).status_code == 401


def test_evaluators_are_listed_with_the_schema_of_their_settings(people: People) -> None:
    found = send(signed_in(people.bob), "get", "evaluators", people.project.slug).json()["data"]
    assert [one["name"] for one in found] == list(evaluator_names())
    length = next(one for one in found if one["name"] == "length")
    assert (length["data_type"], length["asks"]) == ("boolean", False)
    assert length["settings"]["properties"]["most"]["type"] == "integer"
    assert send(signed_in(people.outsider), "get", "evaluators", people.project.slug).status_code == 404


def test_nobody_but_a_member_changes_anything(people: People, backfill: Backfill) -> None:
    key = holding_a_key(people.project)
    viewer = viewer_of(people)
    rule = backfill.rule_id
    writes: list[tuple[str, str, Any]] = [
        ("post", "evaluation-rules", LENGTH), ("patch", f"evaluation-rules/{rule}", {"enabled": False}),
        ("delete", f"evaluation-rules/{rule}", None), ("patch", f"backfills/{backfill.pk}", {"state": "running"}),
        ("post", "backfills", {"rule": str(rule), "start": "2026-01-01T00:00:00Z"}),
    ]  # fmt: skip
    for method, path, body in writes:
        by_key = send(key, method, path, people.project.slug, body)
        assert by_key.status_code == 403, path
        assert "signed in" in by_key.json()["error"]["message"]
        assert send(signed_in(viewer), method, path, people.project.slug, body).status_code == 403, path
        assert send(signed_in(people.outsider), method, path, people.project.slug, body).status_code == 404, path
        assert send(signed_in(people.outsider), method, path, people.other.slug, body).status_code in {201, 404}, path
    assert EvaluationRule.objects.filter(project=people.project, enabled=True).count() == 1
    assert Backfill.objects.get().state == "planned"


def test_a_rule_and_its_back_fill_live_through_the_api(people: People, desk: Desk) -> None:
    calls(desk, 3)
    bob, slug = signed_in(people.bob), people.project.slug
    filters = [{"field": "model", "values": ["gpt-4o"]}]
    made = send(bob, "post", "evaluation-rules", slug, {**LENGTH, "filters": filters, "share": 0.9})
    assert made.status_code == 201, made.content
    rule = made.json()
    assert (rule["version"], rule["score_name"], rule["target"]) == (1, "length", "span")
    changed = send(bob, "patch", f"evaluation-rules/{rule['id']}", slug, {"share": 1.0, "settings": {"most": 4}})
    assert (changed.json()["version"], changed.json()["filters"][0]["field"]) == (2, "model")
    start = (desk.now - timedelta(hours=1)).isoformat()
    planned = send(bob, "post", "backfills", slug, {"rule": rule["id"], "start": start}).json()
    assert (planned["state"], planned["total"], planned["estimated_cost_usd"]) == ("planned", 3, "0")
    path = f"backfills/{planned['id']}"
    assert send(bob, "patch", path, slug, {"state": "running"}).json()["state"] == "running"
    assert send(bob, "patch", path, slug, {"state": "stopped"}).json()["state"] == "stopped"
    assert send(bob, "delete", f"evaluation-rules/{rule['id']}", slug).status_code == 204
    assert send(bob, "get", path, slug).status_code == 404


def test_a_secret_is_never_shown_and_the_rules_own_key_goes_with_it(people: People, desk: Desk) -> None:
    bob, slug = signed_in(people.bob), people.project.slug
    value = {"name": "Judge", "evaluator": "oracle", "settings": {"model": "gpt-4o", "api_key": "sk-private"}}
    made = send(bob, "post", "evaluation-rules", slug, value)
    assert made.json()["settings"]["model"] == "gpt-4o"
    rule = EvaluationRule.objects.get()
    assert "sk-private" not in made.content.decode() + rule.secrets + str(rule.settings)
    key = ApiKey.objects.get(project=people.project, name="Evaluation: Judge")
    send(bob, "patch", f"evaluation-rules/{rule.pk}", slug, {"name": "Other"})
    assert ApiKey.objects.filter(project=people.project).count() == 1
    assert send(bob, "delete", f"evaluation-rules/{rule.pk}", slug).status_code == 204
    key.refresh_from_db()
    assert key.revoked_at is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"evaluator": "crystal ball"}, "evaluator"),
        ({"settings": {"most": "many"}}, "settings.most"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"settings": {}}, "settings.most"),
        ({"settings": "10"}, "settings"),
        ({"filters": [{"field": "mood", "values": ["x"]}]}, "filters.0.field"),
        ({"filters": [{"field": "model", "values": []}]}, "filters.0.values"),
        ({"filters": {"model": "x"}}, "filters"),
        ({"share": 0}, "share"),
        ({"share": "half"}, "share"),
        ({"target": "session"}, "target"),
        ({"enabled": "yes"}, "enabled"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(people: People, change: dict[str, Any], field: str) -> None:
    answer = send(signed_in(people.bob), "post", "evaluation-rules", people.project.slug, {**LENGTH, **change})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize(
    ("body", "field"),
    [({"start": "yesterday"}, "start"), ({"start": "2026-01-01T00:00:00"}, "start"), ({}, "start"),
     ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "start"),
     ({"start": "2026-01-02T00:00:00Z", "speed": 9}, "speed")],
)  # fmt: skip
def test_a_wrong_range_is_named(people: People, desk: Desk, body: dict[str, Any], field: str) -> None:
    rule = str(desk.rule().pk)
    answer = send(signed_in(people.bob), "post", "backfills", people.project.slug, {"rule": rule, **body})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["field"] == field
