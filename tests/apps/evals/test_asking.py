"""The judge through the gateway: where it asks, as whom, and what its answers cost."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings

from apps.evals.asking import asker_of_installation
from apps.evals.evaluate import evaluate_due
from apps.evals.models import EvaluationRule
from apps.evals.services import secrets_of
from tests.apps.evals.judging import Desk
from tests.apps.evals.test_evaluate import calls
from tests.apps.visitors import signed_in
from tests.conftest import People

JUDGE = {
    "name": "Judge",
    "evaluator": "llm_judge",
    "score_name": "helpful",
    "settings": {"model": "gpt-4o", "api_key": "sk-private", "rubric": "Is it short?"},
}


@pytest.fixture
def gateway(settings: LazySettings) -> Iterator[list[tuple[str, dict[str, str], Any]]]:
    """Something that answers like the gateway and keeps what it was asked: path, headers, body."""
    asked: list[tuple[str, dict[str, str], Any]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            said = {"score": 0.25, "reason": "too long"}
            answer = {
                "model": "gpt-4o",
                "choices": [{"message": {"role": "assistant", "content": json.dumps(said)}}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
            }
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SPANMETER_GATEWAY_URL = f"http://127.0.0.1:{server.server_address[1]}"
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_judge_asks_through_the_gateway_as_the_project(
    desk: Desk, gateway: list[tuple[str, dict[str, str], Any]]
) -> None:
    rule = desk.rule(JUDGE)
    calls(desk, 2, input="a question")
    work = desk.work()
    given = evaluate_due(type(work)(reads=work.reads, box=work.box, asker=asker_of_installation(), clock=work.clock))
    desk.settle()
    assert given == 2
    assert [(row["value"], row["comment"]) for row in desk.scores()] == [(0.25, "too long")] * 2
    costs = desk.world.rows("SELECT cost_usd FROM scores WHERE project_id = %(project)s")
    assert all(cost is not None and cost > 0 for (cost,) in costs)
    path, headers, body = gateway[0]
    assert (path, body["model"]) == ("/openai/v1/chat/completions", "gpt-4o")
    assert headers["authorization"] == "Bearer sk-private"
    assert headers["spanmeter-auth"] == f"Bearer {secrets_of(rule)['gateway_key']}"
    assert headers["spanmeter-property-spanmeter.evaluation"] == str(rule.pk)
    assert "Is it short?" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("settings", "field"),
    [({}, "settings.model"), ({"model": "m", "route": "https://elsewhere.example.com"}, "settings.route"),
     ({"model": "m", "route": "../admin"}, "settings.route"),
     ({"model": "m", "api_key": "two\nlines"}, "settings.api_key"),
     ({"model": "m", "base_url": "http://10.0.0.1"}, "settings.base_url")],
)  # fmt: skip
def test_a_rule_asks_nobody_but_the_gateway(people: People, settings: dict[str, str], field: str) -> None:
    client = signed_in(people.bob)
    answer = client.post(
        f"/api/v1/evaluation-rules?project={people.project.slug}",
        {**JUDGE, "settings": settings}, content_type="application/json",
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert EvaluationRule.objects.count() == 0
