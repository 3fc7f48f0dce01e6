"""The whole product judges: calls through the gateway get a score by rule, and a model's verdict is a priced call."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journey.stack import Stack, eventually, running_stack
from tests.journey.test_alerts import Visitor

pytestmark = pytest.mark.timeout(280)
QUESTIONS = 3


@contextmanager
def model() -> Iterator[tuple[str, list[str]]]:
    """A model that answers questions, and judges when it is asked to; yields its origin and what it was asked."""
    asked: list[str] = []

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = body["messages"][-1]["content"]
            asked.append(prompt)
            judging = prompt.startswith("You judge")
            said = json.dumps({"score": 0.75, "reason": "clear"}) if judging else "A short answer."
            answer = {
                "id": f"chatcmpl-{len(asked)}", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
            }  # fmt: skip
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(stack: Stack, question: str) -> None:
    """What an application does."""
    answer = httpx.post(
        f"{stack.gateway}/openai/v1/chat/completions",
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": question}]},
        headers={"spanmeter-auth": f"Bearer {stack.bootstrap['secret_key']}", "authorization": "Bearer sk-app"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def test_answers_are_judged_by_rule_and_by_a_model(tmp_path: Path) -> None:
    """One score of each rule for each call of the application, and none for the calls of the judge."""
    with (
        model() as (origin, asked),
        running_stack(tmp_path / "home", settings={"SPANMETER_UPSTREAM_OPENAI": origin}) as stack,
    ):
        visitor = Visitor(stack)
        for rule in (
            {"name": "Short", "evaluator": "length", "settings": {"unit": "words", "most": 5}},
            {"name": "Helpful", "evaluator": "llm_judge", "settings": {"model": "gpt-4o", "api_key": "sk-judge"}},
        ):
            visitor.post("evaluation-rules", rule)
        visitor.close()
        for number in range(QUESTIONS):
            ask(stack, f"question {number}")

        def scores() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = stack.api("scores", source="evaluator")["data"]
            return found if len(found) == 2 * QUESTIONS else None

        told = eventually(scores, seconds=150, told=lambda: str(stack.api("evaluation-rules")))
        assert {(row["name"], row["value"]) for row in told} == {("length", 1.0), ("llm_judge", 0.75)}
        assert len({(row["name"], row["span_id"]) for row in told}) == 2 * QUESTIONS
        costs = {row["cost_usd"] for row in told if row["name"] == "llm_judge"}
        assert len(costs) == 1
        assert None not in costs
        judged = [prompt for prompt in asked if prompt.startswith("You judge")]
        assert len(judged) == QUESTIONS

        def recorded() -> list[tuple[Any, ...]] | None:
            found = stack.query("SELECT trace_name, cost_usd FROM spans WHERE properties['spanmeter.evaluation'] != ''")
            return found if len(found) == QUESTIONS else None

        assert {name for name, cost in eventually(recorded) if cost} == {"evaluation"}
