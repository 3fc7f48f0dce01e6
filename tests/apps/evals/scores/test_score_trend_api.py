"""/api/v1/scores/names and /trend: the twins of the pages, for a key of the project and for nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Project
from ingestion.store.client import Store
from tests.apps.visitors import holding_a_key, signed_in
from tests.conftest import People
from tests.rows import Bench, call_at, score_at

pytestmark = pytest.mark.usefixtures("reading")


def get_as(project: Project, path: str, **parameters: str) -> Any:
    return holding_a_key(project).get(f"/api/v1/scores/{path}", parameters)


@pytest.fixture
def trace(store: Store, people: People) -> str:
    """One judged call of an hour ago."""
    bench, at = Bench(store, people.project.pk), datetime.now(UTC) - timedelta(hours=1)
    span = call_at(at, model="gpt-4o", cost="0.5", user_id="u1")
    bench.spans(span)
    about: dict[str, Any] = {"name": "groundedness", "trace_id": span.trace_id, "span_id": span.span_id}
    bench.scores(score_at(at, value=0.25, comment="made up", **about), score_at(at, value=0.75, **about))
    return span.trace_id


def test_names(people: People, trace: str) -> None:
    (row,) = get_as(people.project, "names").json()["data"]
    assert (row["name"], row["data_type"], row["count"], row["mean"]) == ("groundedness", "number", 2, 0.5)
    assert sum(row["counts"]) == 2
    assert [mean for mean in row["means"] if mean is not None] == [0.5]


def test_trend(people: People, trace: str) -> None:
    found = get_as(people.project, "trend", name="groundedness", by="user").json()
    assert (found["totals"]["count"], found["totals"]["mean"], found["by"]) == (2, 0.5, "user")
    assert [(one["group"], one["cost_usd"]) for one in found["groups"]] == [("u1", "0.5")]
    assert [(one["value"], one["comment"], one["trace_id"]) for one in found["worst"]] == [
        (0.25, "made up", trace),
        (0.75, "", trace),
    ]
    assert [(one["model"], one["mean"], one["cost_usd"]) for one in found["costs"]] == [("gpt-4o", 0.5, "0.5")]
    assert len(found["bins"]) == 20


def test_outsiders_get_their_own_nothing(people: People, trace: str) -> None:
    assert get_as(people.other, "names").json()["data"] == []
    found = get_as(people.other, "trend", name="groundedness").json()
    assert (found["totals"]["count"], found["worst"], found["groups"]) == (0, [], [])
    assert Client().get("/api/v1/scores/trend", {"name": "groundedness"}).status_code == 401
    outsider = signed_in(people.outsider)
    for path in ("names", "trend"):
        parameters = {"project": people.project.slug, "name": "groundedness"}
        assert outsider.get(f"/api/v1/scores/{path}", parameters).status_code == 404


def test_what_is_wrong_is_named(people: People) -> None:
    answer = get_as(people.project, "trend")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "name")
    answer = get_as(people.project, "trend", name="x", by="colour")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "by")
