"""/api/v1/scores from outside: given, corrected, taken back, refused by name; and what ingest makes of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.evals.score_pages import urls_api
from ingestion.scores import inbox
from ingestion.scores.inbox import ScoreInbox
from ingestion.scores.rules import RESERVED_IDS
from ingestion.store.client import Store
from tests.apps.visitors import holding_a_key, signed_in
from tests.conftest import People
from tests.ingestion.world import World
from tests.rows import Bench, call_at

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
pytestmark = pytest.mark.usefixtures("reading")


@dataclass
class Desk:
    """Alice's project, a key of it, and an ingest that runs when it is told to."""

    world: World
    client: Client

    def give(self, body: Any, *, status: int = 202, client: Client | None = None, query: str = "") -> Any:
        path = f"/api/v1/scores{query}"
        answer = (client or self.client).post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    def settle(self) -> None:
        self.world.ingest().drain()

    def listed(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.client.get(f"/api/v1/scores{query}")
        assert answer.status_code == 200, answer.content
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def counts(self) -> tuple[int, int, int]:
        return self.world.rows(
            "SELECT sum(accepted), sum(written), sum(dropped) FROM batches WHERE project_id = %(project)s"
        )[0]


@pytest.fixture
def desk(store: Store, people: People, tmp_path: Path) -> Iterator[Desk]:
    world = World(tmp_path, store, people.project.pk)
    box = ScoreInbox(tmp_path / "spool", total_bytes=1 << 24, segment_bytes=1 << 20, sync=False)
    inbox.install(lambda: box)
    yield Desk(world, holding_a_key(people.project))
    box.close()


def test_one_of_each_kind(desk: Desk) -> None:
    """Type follows from the value; what is answered is what is read afterwards."""
    given = [
        {"name": "quality", "value": 0.5, "trace_id": TRACE, "comment": "half"},
        {"name": "helpful", "value": True, "trace_id": TRACE.upper(), "span_id": SPAN},
        {"name": "tone", "value": "kind", "session_id": "s-1", "metadata": {"round": "2"}},
        {"name": "note", "text_value": "a longer word", "trace_id": TRACE, "source": "evaluator", "evaluator": "judge"},
    ]
    answered = desk.give({"scores": given})["data"]
    desk.settle()
    found = {row["name"]: row for row in desk.listed()}
    assert {row["name"]: row for row in answered} == found
    assert {name: (row["data_type"], row["value"], row["text_value"]) for name, row in found.items()} == {
        "quality": ("number", 0.5, ""),
        "helpful": ("boolean", 1.0, ""),
        "tone": ("category", None, "kind"),
        "note": ("text", None, "a longer word"),
    }
    assert (found["helpful"]["trace_id"], found["helpful"]["span_id"]) == (TRACE, SPAN)
    assert found["tone"]["metadata"] == {"round": "2"}
    assert (found["note"]["source"], found["note"]["evaluator"]) == ("evaluator", "judge")
    assert desk.counts() == (4, 4, 0)


def test_the_same_id_corrects_and_moves(desk: Desk) -> None:
    """The last version counts everywhere, old names and traces included, and every version is in the ledger."""
    other = "a" * 32
    desk.give({"id": "x", "name": "quality", "value": 1, "trace_id": TRACE})
    desk.give({"id": "x", "name": "grade", "value": 2, "trace_id": other})
    desk.settle()
    assert [(row["name"], row["value"], row["trace_id"]) for row in desk.listed()] == [("grade", 2.0, other)]
    assert desk.listed("?name=quality") == []
    assert desk.listed(f"?trace={TRACE}") == []
    assert len(desk.listed(f"?trace={other}&name=grade")) == 1
    assert desk.counts() == (2, 2, 0)


def test_giving_it_twice_is_one_score(desk: Desk) -> None:
    for _ in range(2):
        desk.give({"id": "x", "name": "quality", "value": 1, "trace_id": TRACE})
    desk.settle()
    assert len(desk.listed()) == 1


def test_taking_back_and_giving_again(desk: Desk) -> None:
    score = {"id": "x y/z", "name": "quality", "value": 1, "trace_id": TRACE}
    desk.give({**score, "id": "x"})
    desk.settle()
    assert desk.client.get("/api/v1/scores/x").json()["value"] == 1.0
    assert desk.client.delete("/api/v1/scores/x").status_code == 204
    desk.settle()
    assert desk.listed() == []
    assert desk.client.get("/api/v1/scores/x").status_code == 404
    assert desk.client.delete("/api/v1/scores/x").status_code == 404
    desk.give({**score, "id": "x"})
    desk.settle()
    assert [row["id"] for row in desk.listed()] == ["x"]
    assert desk.counts() == (3, 3, 0)


def test_the_list_goes_on_and_is_bounded_by_time(desk: Desk) -> None:
    now = datetime.now(UTC)
    stamps = [(now - timedelta(minutes=number // 2)).isoformat() for number in range(7)]
    scores = [
        {"id": str(number), "name": "n", "value": number, "session_id": f"s{number % 2}", "timestamp": stamp}
        for number, stamp in enumerate(stamps)
    ]
    desk.give({"scores": scores})
    old = (now - timedelta(days=3)).timestamp()
    desk.give({"id": "old", "name": "n", "value": 9, "session_id": "s0", "timestamp": old})
    desk.settle()
    seen, cursor = [], ""
    while cursor is not None:
        page = desk.client.get(f"/api/v1/scores?limit=2&cursor={cursor}").json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["next"]
    assert sorted(seen) == [str(number) for number in range(7)]
    assert seen[0] in {"0", "1"}
    assert {row["id"] for row in desk.listed("?session=s1")} == {"1", "3", "5"}
    assert len(desk.listed("?range=7d")) == 8
    assert desk.client.get("/api/v1/scores?format=csv").status_code == 200


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ([], "body", "a list"),
        ({"scores": []}, "scores", "0 long"),
        ({"scores": [{}] * 1001}, "scores", "1001 long"),
        ({"scores": [{"name": "a", "value": 1, "trace_id": TRACE}, 7]}, "scores[1]", "a number"),
        ({"scores": [{"name": "a", "value": 1, "trace_id": "xyz"}]}, "scores[0].trace_id", "'xyz'"),
        ({"value": 1, "trace_id": TRACE}, "name", "0 characters"),
        ({"name": 5, "value": 1, "trace_id": TRACE}, "name", "a number"),
        ({"name": "a", "trace_id": TRACE}, "value", "empty"),
        ({"name": "a", "value": {}, "trace_id": TRACE}, "value", "an object"),
        ({"name": "a", "value": 10**400, "trace_id": TRACE}, "value", "401 digits"),
        ({"id": "names", "name": "a", "value": 1, "trace_id": TRACE}, "id", "'names' is an address of the API"),
        (
            {"scores": [{"id": "trend", "name": "a", "value": 1, "trace_id": TRACE}]},
            "scores[0].id",
            "'trend' is an address of the API",
        ),
        ({"name": "a", "value": "high", "data_type": "number", "trace_id": TRACE}, "value", "'high'"),
        ({"name": "a", "value": 2, "data_type": "boolean", "trace_id": TRACE}, "value", "2.0"),
        ({"name": "a", "value": 2, "data_type": "stars", "trace_id": TRACE}, "data_type", "'stars'"),
        ({"name": "a", "value": 2}, "trace_id", "no target"),
        ({"name": "a", "value": 2, "span_id": SPAN}, "trace_id", SPAN),
        ({"name": "a", "value": 2, "trace_id": TRACE, "colour": 1}, "colour", "unknown"),
        ({"name": "a", "value": 2, "trace_id": TRACE, "timestamp": "soon"}, "timestamp", "'soon'"),
        ({"name": "a", "value": 2, "trace_id": TRACE, "timestamp": "2026-01-01T00:00:00"}, "timestamp", "2026"),
        ({"name": "a", "value": 2, "trace_id": TRACE, "source": "rumour"}, "source", "'rumour'"),
        ({"name": "a\ud800", "value": 2, "trace_id": TRACE}, "name", "surrogate"),
        ({"name": "a", "value": 2, "trace_id": TRACE, "metadata": {"k": 1}}, "metadata", "a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_taken(desk: Desk, body: Any, field: str, says: str) -> None:
    error = desk.give(body, status=400)["error"]
    assert (error["code"], error["field"]) == ("invalid_parameter", field)
    assert says in error["message"]
    desk.settle()
    assert desk.listed() == []


def test_an_id_is_refused_where_an_address_stands_and_nowhere_else() -> None:
    assert {str(route.pattern) for route in urls_api.urlpatterns} == {f"scores/{name}" for name in RESERVED_IDS}


@pytest.mark.parametrize("score_id", ["team/quality/1", "names/1", "50 % ?#+ü"])
def test_a_score_of_any_other_id_is_fetched_and_taken_back(desk: Desk, score_id: str) -> None:
    desk.give({"id": score_id, "name": "quality", "value": 1, "trace_id": TRACE})
    desk.settle()
    path = f"/api/v1/scores/{quote(score_id, safe='')}"
    assert desk.client.get(path).json()["id"] == score_id
    assert desk.client.delete(path).status_code == 204


def test_filters_that_scores_do_not_have_are_refused(desk: Desk) -> None:
    assert desk.client.get("/api/v1/scores?model=x").json()["error"]["field"] == "model"
    assert desk.client.get("/api/v1/scores?q=x").json()["error"]["field"] == "q"


def test_a_trace_shows_its_scores(desk: Desk, store: Store, people: People) -> None:
    span = call_at(datetime.now(UTC) - timedelta(minutes=1), session_id="s-9")
    Bench(store, people.project.pk).spans(span)
    targets = ({"trace_id": span.trace_id}, {"trace_id": span.trace_id, "span_id": span.span_id}, {"session_id": "s-9"})
    elsewhere = {"trace_id": TRACE, "session_id": "s-9"}
    desk.give({"scores": [{"name": f"n{at}", "value": at, **t} for at, t in enumerate((*targets, elsewhere))]})
    desk.settle()
    found = desk.client.get(f"/api/v1/traces/{span.trace_id}").json()["scores"]
    assert sorted(row["name"] for row in found) == ["n0", "n1", "n2"]


def test_a_full_spool_says_so(desk: Desk, tmp_path: Path) -> None:
    full = ScoreInbox(tmp_path / "spool", total_bytes=10, segment_bytes=1 << 20, sync=False)
    inbox.install(lambda: full)
    error = desk.give({"name": "a", "value": 1, "trace_id": TRACE}, status=503)["error"]
    full.close()
    assert error["code"] == "spool_full"


def test_who_may_write(desk: Desk, people: People) -> None:
    """A member by session is the author; a viewer is told; the outsider and nobody find nothing."""
    score = {"id": "x", "name": "a", "value": 1, "trace_id": TRACE, "author": "somebody", "source": "evaluator"}
    query = f"?project={people.project.slug}"
    bob = signed_in(people.bob)
    (row,) = desk.give(score, client=bob, query=query)["data"]
    assert (row["author"], row["source"]) == ("bob@example.org", "human")
    desk.settle()
    people.acme.memberships.filter(user=people.bob).update(role=Role.VIEWER)
    desk.give(score, client=bob, query=query, status=403)
    assert bob.delete(f"/api/v1/scores/x{query}").status_code == 403
    stranger = signed_in(people.outsider)
    desk.give(score, client=stranger, query=query, status=404)
    assert stranger.delete(f"/api/v1/scores/x{query}").status_code == 404
    desk.give(score, client=Client(), query=query, status=401)
    with_token = Client(enforce_csrf_checks=True)
    with_token.force_login(people.alice)
    desk.give(score, client=with_token, query=query, status=403)
    other = holding_a_key(people.other)
    assert other.get("/api/v1/scores").json()["data"] == []
    assert other.get("/api/v1/scores/x").status_code == 404
    assert other.delete("/api/v1/scores/x").status_code == 404
    desk.give(score, client=other, query=query, status=404)
    assert len(desk.listed()) == 1
