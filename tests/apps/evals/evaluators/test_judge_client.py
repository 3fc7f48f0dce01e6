"""Asking a judge over real HTTP: a server on this machine that answers well, badly, slowly or not at all."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from apps.evals.evaluators import AskError, evaluator_of
from apps.evals.evaluators.judge_client import JudgeEndpoint, judge_over_http
from tests.apps.evals.evaluators.judging import BINARY, subject

SAID = '{"score": 0.5, "reason": "half"}'


class Server(ThreadingHTTPServer):
    """`way` says how to answer; `seen` keeps the requests; `done` lets the hanging ones go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.way = "well"
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.done = threading.Event()

    @property
    def address(self) -> str:
        """The base of its API."""
        return f"http://127.0.0.1:{self.server_port}/openai/v1"


class Handler(BaseHTTPRequestHandler):
    """One chat completion."""

    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, dict(self.headers), body))
        answer = {
            "model": "judge-1",
            "choices": [{"message": {"role": "assistant", "content": SAID}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }
        match self.server.way:
            case "well":
                self.say(200, json.dumps(answer).encode())
            case "null":
                answer["choices"] = [{"message": {"content": None}}]
                self.say(200, json.dumps(answer).encode())
            case "page":
                self.say(200, b"<html>error</html>")
            case "empty":
                self.say(200, b"[]")
            case "huge":
                self.say(200, b"x" * 3_000_000)
            case "hang":
                self.server.done.wait(60)
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.server.done.wait(0.05):
                    self.wfile.write(b"x-more: 1\r\n")
            case "redirect":
                self.send_response(307)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()
            case status:
                self.say(int(status), b'{"error": {"message": "budget spent"}}')

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass  # the client had enough


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.done.set()
    made.shutdown()
    made.server_close()
    thread.join()


def endpoint(server: Server, *, timeout: float = 30) -> JudgeEndpoint:
    """The server as a judge."""
    return JudgeEndpoint(base_url=server.address, key="sm-key", model="judge-1", timeout=timeout)


def test_a_question_goes_out_with_key_and_model_and_comes_back_with_its_cost(server: Server) -> None:
    priced: list[tuple[str, dict[str, Any]]] = []

    def cost_of(model: str, usage: dict[str, Any]) -> Decimal:
        priced.append((model, usage))
        return Decimal("0.002")

    evaluator = evaluator_of("llm_judge", {}, ask=judge_over_http(endpoint(server), cost_of=cost_of))
    verdict = evaluator.judge(subject("Paris. " + BINARY))
    assert (verdict.value, verdict.comment, verdict.cost_usd) == (0.5, "half", Decimal("0.002"))
    ((path, headers, body),) = server.seen
    assert path == "/openai/v1/chat/completions"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer sm-key"
    assert body["model"] == "judge-1"
    assert "Paris." in body["messages"][0]["content"]
    assert priced == [("judge-1", {"prompt_tokens": 100, "completion_tokens": 10})]


def test_without_a_price_the_cost_is_unknown(server: Server) -> None:
    assert judge_over_http(endpoint(server))("Hello").cost_usd is None


@pytest.mark.parametrize(
    ("way", "said", "again"),
    [
        ("500", "answered 500", True),
        ("429", "budget spent", True),
        ("401", "answered 401", False),
        ("400", "answered 400", False),
        ("redirect", "answered 307", False),
        ("page", "no chat completion", True),
        ("empty", "no chat completion", True),
        ("null", "no text", True),
        ("huge", "longer than", False),
    ],
)
def test_a_bad_answer_is_an_error_that_says_so(server: Server, way: str, said: str, again: bool) -> None:
    server.way = way
    with pytest.raises(AskError, match=said) as raised:
        judge_over_http(endpoint(server))("Hello")
    assert raised.value.again is again
    assert len(server.seen) == 1


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_judge_that_never_answers_is_not_waited_for(server: Server, way: str) -> None:
    """Not even one that keeps sending a line of its headers every now and then."""
    server.way = way
    with pytest.raises(AskError, match="did not finish within"):
        judge_over_http(endpoint(server, timeout=0.5))("Hello")


def test_nobody_there_and_no_address_are_errors(server: Server) -> None:
    nobody = JudgeEndpoint(base_url="http://127.0.0.1:1/v1", key="k", model="m", timeout=30)
    with pytest.raises(AskError, match="could not be reached"):
        judge_over_http(nobody)("Hello")
    for wrong in ("nonsense", "ftp://127.0.0.1/v1", "http://[::1"):
        with pytest.raises(AskError, match="is none") as raised:
            judge_over_http(JudgeEndpoint(base_url=wrong, key="k", model="m"))("Hello")
        assert raised.value.again is False


def test_a_refused_question_becomes_a_score_without_a_verdict(server: Server) -> None:
    server.way = "401"
    verdict = evaluator_of("llm_judge", {}, ask=judge_over_http(endpoint(server))).judge(subject("Paris."))
    assert not verdict.given
    assert "answered 401" in verdict.reason
    assert len(server.seen) == 1
