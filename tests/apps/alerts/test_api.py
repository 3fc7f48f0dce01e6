"""The JSON twins: what a key reads, what a person changes, and what nobody else does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.alerts.channel_services import channel_create
from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Channel, Delivery, Incident, Rule
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
def fired(store: Store, people: People) -> Incident:
    """An incident in Alice's project, and its delivery."""
    now = datetime.now(UTC)
    hook = channel_create(project=people.project, name="hook", kind="webhook", values={"url": "https://example.com/"})
    rule_create(project=people.project, name="Errors", spec=ERRORS, channels=[str(hook.channel.pk)], now=now)
    start = now - timedelta(minutes=2)
    Bench(store, people.project.pk).spans(*(call_at(start, status=SpanStatus.ERROR) for _ in range(5)))
    evaluate_due(reads(), now=now)
    return Incident.objects.get()


def paths_of(fired: Incident) -> list[str]:
    rule, channel, delivery = fired.rule_id, Channel.objects.get().pk, Delivery.objects.get().pk
    return [
        "rules", f"rules/{rule}", f"rules/{rule}/backtest", "incidents", f"incidents/{fired.pk}", "channels",
        f"channels/{channel}", "deliveries", f"deliveries/{delivery}",
    ]  # fmt: skip


def send(client: Client, method: str, path: str, project: object, body: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}?project={project}", body, content_type="application/json")


def test_keys_and_members_read_and_outsiders_find_nothing(people: People, fired: Incident) -> None:
    key = holding_a_key(people.project)
    theirs = holding_a_key(people.other)
    for path in paths_of(fired):
        url = f"/api/v1/{path}"
        assert key.get(url).status_code == 200, path
        other = theirs.get(url)
        assert other.status_code == 404 if "/" in path else other.json()["data"] == [], path
        for name, status in (("alice", 200), ("bob", 200), ("outsider", 404)):
            assert signed_in(getattr(people, name)).get(f"{url}?project={people.project.slug}").status_code == status, (
                path,
                name,
            )
        assert Client().get(url).status_code == 401


def test_nobody_but_a_member_changes_anything(people: People, fired: Incident) -> None:
    key = holding_a_key(people.project)
    rule, channel = fired.rule_id, Channel.objects.get().pk
    writes: list[tuple[str, str, Any]] = [
        ("post", "rules", {"name": "x", "spec": ERRORS}), ("patch", f"rules/{rule}", {"enabled": False}),
        ("delete", f"rules/{rule}", None), ("patch", f"incidents/{fired.pk}", {"acknowledged": True}),
        ("post", "channels", {"name": "x", "kind": "webhook", "config": {"url": "https://example.com"}}),
        ("patch", f"channels/{channel}", {"name": "y"}), ("post", f"channels/{channel}", None),
        ("delete", f"channels/{channel}", None), ("post", f"deliveries/{Delivery.objects.get().pk}", None),
    ]  # fmt: skip
    for method, path, body in writes:
        by_key = send(key, method, path, people.project.slug, body)
        assert by_key.status_code == 403, path
        assert "signed in" in by_key.json()["error"]["message"]
        assert send(signed_in(people.outsider), method, path, people.project.slug, body).status_code == 404, path
        assert send(signed_in(people.outsider), method, path, people.other.slug, body).status_code in {201, 404}, path
    assert send(signed_in(people.bob), "delete", f"channels/{channel}", people.project.slug).status_code == 403
    assert Rule.objects.filter(project=people.project, enabled=True).count() == 1
    assert Channel.objects.filter(project=people.project).count() == 1


def test_without_the_token_of_our_own_page_a_session_writes_nothing(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.alice)
    assert send(client, "post", "rules", people.project.slug, {"name": "x", "spec": ERRORS}).status_code == 403


def test_a_rule_lives_through_the_api(people: People, fired: Incident) -> None:
    bob, slug = signed_in(people.bob), people.project.slug
    channel = str(Channel.objects.get().pk)
    made = send(bob, "post", "rules", slug, {"name": "Spend", "severity": "critical", "channels": [channel],
                "spec": {"metric": "cost", "condition": {"type": "anomaly"}, "group_by": ["user"]}})  # fmt: skip
    assert made.status_code == 201
    rule = made.json()
    assert (rule["channels"], rule["open"], rule["spec"]["window"]) == ([channel], 0, "5m")
    changed = send(bob, "patch", f"rules/{rule['id']}", slug, {"enabled": False}).json()
    assert (changed["enabled"], changed["name"]) == (False, "Spend")
    assert send(bob, "delete", f"rules/{rule['id']}", slug).status_code == 204
    assert send(bob, "get", f"rules/{rule['id']}", slug).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "spec"),
        ({"name": "x", "spec": {"metric": "joy"}}, "metric"),
        ({"name": "x", "spec": "cost"}, "rule"),
        ({"name": 5, "spec": ERRORS}, "name"),
        ({"name": "x", "spec": ERRORS, "severity": "bad"}, "severity"),
        ({"name": "x", "spec": ERRORS, "channels": ["0198"]}, "channels"),
        ({"name": "x", "spec": ERRORS, "enabled": "yes"}, "enabled"),
        ({"name": "x", "spec": ERRORS, "colour": 1}, "colour"),
        ([], "rule"),
    ],
)
def test_a_wrong_rule_is_400_and_names_the_field(people: People, body: Any, field: str) -> None:
    answer = send(signed_in(people.alice), "post", "rules", people.project.slug, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert Rule.objects.count() == 0


def test_an_incident_is_acknowledged_and_shows_its_changes(people: People, fired: Incident) -> None:
    path, slug = f"incidents/{fired.pk}", people.project.slug
    answer = send(signed_in(people.bob), "patch", path, slug, {"acknowledged": True, "comment": "mine"}).json()
    assert answer["acknowledged_at"]
    assert [one["text"] for one in answer["comments"]] == ["mine"]
    assert [(one["before"], one["after"], one["value"]) for one in answer["transitions"]] == [
        ("inactive", "firing", 5.0)
    ]
    assert send(signed_in(people.bob), "patch", path, slug, {"acknowledged": False}).status_code == 400


def test_secrets_are_in_one_answer_alone(people: People) -> None:
    alice, slug = signed_in(people.alice), people.project.slug
    body = {"name": "h", "kind": "webhook", "config": {"url": "https://example.com/hook"}}
    made = send(alice, "post", "channels", slug, body).json()
    assert made["made"]["secret"].startswith("whsec_")
    again = send(alice, "get", f"channels/{made['id']}", slug)
    assert "whsec_" not in again.content.decode()
    refused = send(alice, "post", "channels", slug, {**body, "name": "i", "config": {"url": "x"}})
    assert refused.json()["error"]["field"] == "config.url"


def test_lists_are_pages(people: People, fired: Incident) -> None:
    for number in range(3):
        rule_create(project=people.project, name=f"r{number}", spec=ERRORS, now=datetime.now(UTC))
    alice, names, cursor = signed_in(people.alice), [], ""
    while cursor is not None:
        answer = alice.get(f"/api/v1/rules?project={people.project.slug}&limit=2&cursor={cursor}").json()
        names += [row["name"] for row in answer["data"]]
        cursor = answer["next"]
    assert sorted(names) == ["Errors", "r0", "r1", "r2"]  # those of one millisecond come in any order
    for query in ("cursor=x", "limit=0"):
        assert alice.get(f"/api/v1/rules?project={people.project.slug}&{query}").status_code == 400
    assert alice.get(f"/api/v1/incidents?project={people.project.slug}&state=odd").status_code == 400


def test_the_schema_describes_reads_and_writes(client: Client) -> None:
    paths = client.get("/api/v1/schema/", headers={"accept": "application/json"}).json()["paths"]
    assert set(paths["/api/v1/rules"]) == {"get", "post"}
    assert set(paths["/api/v1/rules/{rule_id}"]) == {"get", "patch", "delete"}
    assert set(paths["/api/v1/channels/{channel_id}"]) == {"get", "patch", "post", "delete"}
    assert set(paths["/api/v1/deliveries/{delivery_id}"]) == {"get", "post"}
    assert set(paths["/api/v1/incidents/{incident_id}"]) == {"get", "patch"}
