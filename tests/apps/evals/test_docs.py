"""What docs/evaluations.md says is so: its rule judges, its back-fill runs, its evaluator is one."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.evals import evaluators
from apps.evals.asking_settings import ASKING
from apps.evals.backfills import backfills_go_on
from apps.evals.reading import LAG
from tests.apps.evals.judging import Desk
from tests.apps.visitors import signed_in
from tests.conftest import People
from tests.rows import call_at, trace_id

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "evaluations.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.usefixtures("reading")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def send(client: Client, method: str, path: str, project: str, body: Any) -> Any:
    answer = getattr(client, method)(f"/api/v1/{path}?project={project}", body, content_type="application/json")
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()


def test_the_rule_and_the_back_fill_on_the_page_judge(people: People, desk: Desk) -> None:
    rule, backfill = (json.loads(text) for text in blocks("json"))
    client = signed_in(people.bob)
    made = send(client, "post", "evaluation-rules", people.project.slug, rule)
    texts = {"production": "few words", "staging": "few words"}
    for place, text in texts.items():
        ended = desk.now - timedelta(hours=1)
        desk.bench.spans(*(call_at(ended, trace=trace_id(), environment=place, output=text) for _ in range(40)))
    start = (desk.now - timedelta(days=1)).isoformat()
    given = {**backfill, "rule": backfill["rule"].format(rule=made["id"]), "start": start}
    planned = send(client, "post", "backfills", people.project.slug, given)
    assert (planned["total"], planned["state"]) == (40, "planned")
    started = send(client, "patch", f"backfills/{planned['id']}", people.project.slug, {"state": "running"})
    assert started["state"] == "running"
    judged = backfills_go_on(desk.work())
    desk.settle()
    assert 0 < judged < 40  # half of the traces, more or less
    assert {(row["name"], row["value"], row["comment"]) for row in desk.scores()} == {("short", 1.0, "2 words")}


def test_the_evaluator_on_the_page_is_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file, one line: it is listed, takes settings, and its rule judges."""
    names: dict[str, Any] = {"__name__": "polite"}
    exec(compile(blocks("python")[0], "docs/evaluations.md", "exec"), names)  # noqa: S102
    monkeypatch.setitem(evaluators.EVALUATORS, "polite", names["Polite"])
    desk.rule({"name": "Polite", "evaluator": "polite", "settings": {"word": "thanks"}})
    desk.bench.spans(*(call_at(desk.now - timedelta(minutes=5), output=text) for text in ("Thanks a lot.", "No.")))
    assert desk.look() == 2
    assert sorted(row["value"] for row in desk.scores()) == [0.0, 1.0]


def test_every_field_and_setting_is_on_the_page_and_the_lag_is_that_of_the_code() -> None:
    fields = ("name", "evaluator", "settings", "score_name", "filters", "share", "target", "enabled")
    assert [name for name in fields if f"`{name}`" not in PAGE] == []
    assert [setting.name for setting in ASKING if f"| `{setting.name}` |" not in PAGE] == []
    assert timedelta(seconds=10) == LAG
    assert "The last ten seconds" in PAGE
