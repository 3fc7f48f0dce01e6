"""The client library against the whole product: what a program recorded is what the dashboard's API says, once."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.journey.model_server import ModelServer, model_server
from tests.journey.stack import Stack, eventually, running_stack

pytestmark = [pytest.mark.kill, pytest.mark.timeout(300)]

SOURCE = Path(__file__).parents[2] / "sdk_python" / "src"
PROGRAM = """
    import asyncio, sys
    import openai, spanmeter

    spanmeter.configure(environment="staging", release="7.1", service="shop")
    client = spanmeter.wrap_openai(openai.OpenAI(base_url=sys.argv[1], api_key="sk-nobody", max_retries=0))

    @spanmeter.observe(kind="tool")
    def look_up(what):
        return {"found": what.upper()}

    @spanmeter.observe
    def words(question):
        stream = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": question}], stream=True
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    @spanmeter.observe
    async def answer(question):
        look_up(question)
        with spanmeter.generation(model="gpt-4o", provider="openai", input=question) as call:
            call.first_token()
            call.update(output="by hand", usage={"input_tokens": 10, "output_tokens": 4}, cost="0.25")
        spanmeter.score("helpful", True, comment="as told")
        return "".join(words(question))

    with spanmeter.context(user_id="u-1", session_id="s-1", tags=["blue", "green"], properties={"plan": "free"}):
        asyncio.run(answer("tea"))
    try:
        spanmeter.observe(name="breaks")(lambda: 1 / 0)()
    except ZeroDivisionError:
        pass
    print(spanmeter.flush(20), spanmeter.stats()["dropped"], spanmeter.stats()["faults"])
"""
OFFLINE = """
    import os, signal, sys, spanmeter

    spanmeter.configure()
    for number in range(30):
        with spanmeter.span(f"offline {number}"):
            pass
        spanmeter.flush(5)
    print(spanmeter.stats()["waiting"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
BACK = """
    import time, spanmeter

    spanmeter.configure()
    deadline = time.monotonic() + 60
    while spanmeter.stats()["waiting"] and time.monotonic() < deadline:
        spanmeter.flush(10)
    print(spanmeter.stats()["waiting"], spanmeter.stats()["delivered"])
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelServer]:
    """What answers in place of OpenAI."""
    with model_server() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, upstream: ModelServer) -> Iterator[Stack]:
    """One installation for all tests of this module."""
    home = tmp_path_factory.mktemp("home")
    with running_stack(home, settings={"SPANMETER_UPSTREAM_OPENAI": upstream.url}) as running:
        yield running


def run(stack: Stack, program: str, *arguments: str, offline: Path, key: str | None = None) -> Any:
    """Run a program as a user would: told by the environment alone."""
    told = {
        "SPANMETER_BASE_URL": stack.gateway,
        "SPANMETER_API_KEY": key or stack.bootstrap["secret_key"],
        "SPANMETER_OFFLINE_DIR": str(offline),
        "PYTHONPATH": str(SOURCE),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPANMETER_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        env=kept | told, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def rows(stack: Stack, where: str, columns: str) -> list[tuple[Any, ...]]:
    return stack.query(f"SELECT {columns} FROM spans WHERE {where} ORDER BY start_time")


def test_a_program_becomes_a_trace(stack: Stack, upstream: ModelServer, tmp_path: Path) -> None:
    base_url = f"{stack.gateway}/k/{stack.bootstrap['secret_key']}/openai/v1"
    done = run(stack, PROGRAM, base_url, offline=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("True {} {}\n", "", 0)
    found = eventually(lambda: _seven(stack), told=lambda: rows(stack, "1", "name, source"))
    by_name = {(row["name"], row["source"]): row for row in found}
    answer = by_name["answer", "otlp"]
    tool = by_name["look_up", "otlp"]
    by_hand, streamed = (row for row in found if row["name"] == "chat gpt-4o" and row["source"] == "otlp")
    words = by_name["words", "otlp"]
    through = next(row for row in found if row["source"] == "gateway")

    assert {row["trace_id"] for row in found if row["name"] != "breaks"} == {answer["trace_id"]}
    assert words["parent_span_id"] == tool["parent_span_id"] == by_hand["parent_span_id"] == answer["span_id"]
    assert streamed["parent_span_id"] == words["span_id"]
    assert through["parent_span_id"] == streamed["span_id"]

    for row in (answer, tool, by_hand, words, streamed, through):
        assert (row["user_id"], row["session_id"], row["tags"]) == ("u-1", "s-1", ["blue", "green"])
        assert row["properties"] == {"plan": "free"}
    for row in (answer, tool, by_hand, words, streamed):
        assert (row["environment"], row["release"], row["service"]) == ("staging", "7.1", "shop")
    assert json.loads(answer["input"]) == {"question": "tea"}
    assert answer["output"] == "tea 1 tea 2 tea 3 tea 4 "
    assert (tool["kind"], tool["tool_name"], json.loads(tool["output"])) == ("tool", "look_up", {"found": "TEA"})
    assert (by_hand["kind"], by_hand["input_tokens"], by_hand["output_tokens"]) == ("llm", 10, 4)
    assert (by_hand["reported_cost_usd"], by_hand["cost_status"]) == (Decimal("0.25"), "priced")
    assert by_hand["ttft_us"] is not None
    assert (streamed["model"], streamed["stream"], streamed["input_tokens"]) == ("gpt-4o-2024-08-06", True, 1000)
    assert 0 < streamed["ttft_us"] < streamed["duration_us"]
    # The gateway saw the same call: whichever record was read first is billed, the other names it.
    assert through["response_id"] == streamed["response_id"]
    billing = {(row["cost_status"], row["cost_reason"]) for row in (through, streamed)}
    assert billing in (
        {("priced", ""), ("not_billable", "billed_by_gateway")},
        {("priced", ""), ("not_billable", "billed_by_sdk")},
    )
    breaks = by_name["breaks", "otlp"]
    assert (breaks["status"], breaks["error_type"], breaks["error_message"]) == (
        "error", "ZeroDivisionError", "division by zero",
    )  # fmt: skip


def test_killed_while_offline_delivered_once_by_the_next(stack: Stack, tmp_path: Path) -> None:
    """The network is away (nobody listens), the process is killed; a new one finds the files and delivers them."""
    away = tmp_path / "offline"
    real = dict(stack.ports)
    dead = Stack(home=stack.home, ports={**real, "GATEWAY": 1}, bootstrap=stack.bootstrap, supervisor=stack.supervisor)
    done = run(dead, OFFLINE, offline=away)
    assert (done.returncode, done.stdout) == (-9, "30\n")
    (directory,) = away.iterdir()
    waiting = {path.name: path.read_bytes() for path in directory.glob("*.pb*")}
    assert len(waiting) == 30

    # The same address answers again. (A directory belongs to an address and a key; the port is what changed here.)
    from hashlib import sha256

    named = f"{stack.gateway}\n{stack.bootstrap['secret_key']}".encode()
    directory = directory.rename(away / sha256(named).hexdigest()[:16])
    done = run(stack, BACK, offline=away)
    assert (done.returncode, done.stdout) == (0, "0 30\n")
    names = eventually(lambda: _offline(stack, 30), told=lambda: _offline(stack, 0))
    assert names == [f"offline {number}" for number in range(30)]

    # Whoever died between the answer and the removal of a file sends it again: the server knows the bytes.
    for name, content in list(waiting.items())[:10]:
        (directory / name).write_bytes(content)
    assert run(stack, BACK, offline=away).stdout == "0 10\n"
    ledger = eventually(lambda: _settled(stack), told=lambda: stack.api("ledger"))
    assert ledger["dropped"]["duplicate"] == 10
    assert len(_offline(stack, 0)) == 30


def test_a_wrong_key_is_told_and_kept_out(stack: Stack, tmp_path: Path) -> None:
    """An outsider's key writes nothing, and the program that uses it goes on."""
    before = len(rows(stack, "1", "name"))
    program = """
        import spanmeter
        spanmeter.configure()
        spanmeter.observe(name="outside")(lambda: 1)()
        print(spanmeter.flush(10), spanmeter.stats()["dropped"])
    """
    done = run(stack, program, offline=tmp_path, key="sm-sk-" + "x" * 43)
    assert (done.returncode, done.stdout) == (0, "False {'refused_401': 1}\n")
    assert "refused_401" in done.stderr
    assert len(rows(stack, "1", "name")) == before


def _seven(stack: Stack) -> list[dict[str, Any]] | None:
    columns = (
        "trace_id, span_id, parent_span_id, name, source, kind, status, error_type, error_message, user_id, "
        "session_id, tags, environment, release, service, properties, input, output, tool_name, input_tokens, "
        "output_tokens, reported_cost_usd, cost_status, cost_reason, ttft_us, duration_us, model, stream, response_id"
    )
    found = rows(stack, "1", columns)
    named = [dict(zip(columns.split(", "), row, strict=True)) for row in found]
    return named if len(named) == 7 else None


def _offline(stack: Stack, count: int) -> list[str]:
    found = [str(name) for (name,) in rows(stack, "startsWith(name, 'offline ')", "name")]
    return found if len(found) >= count else []


def _settled(stack: Stack) -> Any:
    ledger = stack.api("ledger")
    done = ledger["balanced"] and not ledger["spooled"] and ledger["dropped"].get("duplicate")
    return ledger if done else None
