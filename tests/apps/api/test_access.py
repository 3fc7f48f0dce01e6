"""Who may read what: every route, every kind of caller."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from apps.accounts import services
from apps.accounts.models import ApiKey
from ingestion.store.client import Store
from tests.apps.visitors import assert_members_alone_see, holding_a_key, signed_in
from tests.conftest import People
from tests.rows import Bench, call_at, score_at

pytestmark = pytest.mark.usefixtures("reading")
ROUTES = [
    "overview",
    "metrics/query?metrics=cost",
    "traces",
    "traces/TRACE",
    "spans",
    "spans/SPAN",
    "sessions",
    "users",
    "facets",
    "scores",
    "scores/names",
    "scores/trend?name=quality",
    "scores/SCORE",
    "ledger",
    "drops",
]

# Rooms that have their own tests of who may do what: they write, too.
OF_ROOMS = {
    "rules": "alerts",
    "incidents": "alerts",
    "channels": "alerts",
    "deliveries": "alerts",
    "silences": "alerts",
    "gpu": "gpu",
    "evaluators": "evals",
    "evaluation-rules": "evals",
    "backfills": "evals",
}


@pytest.fixture
def paths(store: Store, people: People) -> list[str]:
    """Every route, about something that exists in Alice's project."""
    span = call_at(datetime.now(UTC) - timedelta(minutes=1))
    score = score_at(datetime.now(UTC) - timedelta(minutes=1))
    bench = Bench(store, people.project.pk)
    bench.spans(span)
    bench.scores(score)
    names = {"TRACE": span.trace_id, "SPAN": span.span_id, "SCORE": score.id}
    return ["/api/v1/" + re.sub("[A-Z]+", lambda word: names[word[0]], route) for route in ROUTES]


def with_key(people: People, *, other: bool = False) -> Client:
    """An application with a key of Alice's project, or of the outsider's."""
    return holding_a_key(people.other if other else people.project)


def named(path: str, project: object) -> str:
    """The path with `project` in its query."""
    return f"{path}{'&' if '?' in path else '?'}project={project}"


def test_every_route_of_the_api_is_in_this_file() -> None:
    found = set()
    for group in get_resolver("apps.config.urls_api").url_patterns:
        assert isinstance(group, URLResolver)
        for pattern in group.url_patterns:
            found.add(re.sub(r"<(?:str|path):(\w+)_id>", lambda match: match[1].upper(), str(pattern.pattern)))
    elsewhere = {route for route in found if route.split("/")[0] in OF_ROOMS}
    assert found - elsewhere - {"schema/"} == {route.split("?")[0] for route in ROUTES}


def test_a_key_reads_its_own_project(people: People, paths: list[str]) -> None:
    client = with_key(people)
    for path in paths:
        assert client.get(path).status_code == 200, path
        assert client.get(named(path, people.project.slug)).status_code == 200, path
        assert client.get(named(path, people.project.pk)).status_code == 200, path


def test_another_projects_key_finds_nothing(people: People, paths: list[str]) -> None:
    client = with_key(people, other=True)
    for path in paths:
        assert client.get(named(path, people.project.slug)).status_code == 404, path
    for path, route in zip(paths, ROUTES, strict=True):
        if re.search("[A-Z]", route):  # it names something of Alice's
            assert client.get(path).status_code == 404, path
    for path in ("traces", "scores/names"):
        assert client.get(f"/api/v1/{path}").json()["data"] == []


def test_members_read_by_session_and_the_outsider_finds_nothing(people: People, paths: list[str]) -> None:
    assert_members_alone_see(people, [named(path, people.project.slug) for path in paths])


def test_nobody_reads_nothing(people: People, paths: list[str]) -> None:
    for path in paths:
        answer = Client().get(named(path, people.project.slug))
        assert answer.status_code == 401, path
        assert answer.json()["error"]["code"] == "not_authenticated"
        assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("state", ["revoked", "expired", "unknown", "public", "garbage"])
def test_a_key_that_is_no_good_is_refused(people: People, state: str) -> None:
    issued = services.key_issue(project=people.project, name="k", created_by=None)
    secret = issued.secret
    if state == "revoked":
        assert services.key_revoke(key=issued.key)
        assert not services.key_revoke(key=issued.key)
    elif state == "expired":
        ApiKey.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    elif state == "unknown":
        secret = services.SECRET_PREFIX + "x" * 43
    elif state == "public":
        secret = issued.key.public_key
    else:
        secret = "sm-sk-\u00ff".encode("latin-1").decode("latin-1")
    answer = Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/traces")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_key"
    assert issued.secret not in answer.content.decode()


def test_a_session_must_say_which_project(people: People) -> None:
    client = signed_in(people.alice)
    answer = client.get("/api/v1/traces")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "project"


def test_the_use_of_a_key_is_noted(people: People) -> None:
    client = with_key(people)
    client.get("/api/v1/facets")
    assert ApiKey.objects.get().last_used_at is not None


def test_unknown_route_and_method_answer_in_the_same_shape(people: People) -> None:
    client = with_key(people)
    assert client.get("/api/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.post("/api/v1/traces").json()["error"]["code"] == "method_not_allowed"
    assert client.get("/api/v1/traces", headers={"accept": "image/png"}).json()["error"]["code"] == "not_acceptable"
