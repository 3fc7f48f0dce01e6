"""`make demo` against a running installation: a real model, real programs, priced traces, and links that work."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps.config.demo.model import MODEL, model_file
from bench.free_port import free_port
from tests.journey.stack import eventually, running_stack

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(model_file() is None, reason="the demo's model is not installed (make demo installs it)"),
]

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_priced_traces_of_a_real_model(tmp_path: Path) -> None:
    """A streamed chat with its time to first token, an agent's tree, and failures that say why."""
    port = free_port()
    settings = {"SPANMETER_DEMO_PORT": str(port)}
    with running_stack(tmp_path / "home", settings=settings) as stack:
        environment = {
            **os.environ,
            "SPANMETER_HOME": str(stack.home),
            "SPANMETER_GATEWAY_PORT": str(stack.ports["GATEWAY"]),
            "SPANMETER_DEMO_PORT": str(port),
        }
        result = subprocess.run(
            [sys.executable, "-m", "apps.config.demo"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=480,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert "not settled yet" not in result.stdout
        told = dict(re.findall(r"/traces/([0-9a-f]{32})/ .* (\S+) USD$", result.stdout, re.M))
        assert len(told) == 9
        assert told == {trace: stack.api(f"traces/{trace}")["cost_usd"] for trace in told}
        assert f"{stack.web}/p/" in result.stdout
        rows = stack.query(
            "SELECT kind, status, cost_status, cost_usd > 0, ttft_us > 0, trace_id, parent_span_id != '' FROM spans"
        )
        chats = [row for row in rows if row[0] == "llm" and row[1] != "error"]
        assert len(chats) == 9  # the support desk's call twice: as the gateway saw it, and as its client did
        # The client does not know the price of "openai"'s SmolLM2; the gateway knows that it is a local one.
        assert sum(row[2] == "priced" for row in chats) == 8
        assert sum(bool(row[3]) for row in chats) == 8, "the support desk's call is billed once"
        assert sum(bool(row[4]) for row in chats) == 2
        assert sorted(row[0] for row in rows if row[1] == "error") == ["embedding", "llm"]
        agent, desk = sorted(
            (row[5] for row in rows if row[0] == "agent"),
            key=lambda trace: any(row[0] == "retriever" and row[5] == trace for row in rows),
        )
        assert sorted(row[0] for row in rows if row[5] == desk) == ["agent", "llm", "llm", "retriever"]
        assert sorted(row[0] for row in rows if row[5] == agent and row[6]) == ["llm", "llm", "tool"]
        assert stack.query("SELECT DISTINCT model FROM spans WHERE status != 'error' AND kind = 'llm'") == [(MODEL,)]
        scores = {(row["name"], row["source"]) for row in stack.api("scores")["data"]}
        assert {("groundedness", "evaluator"), ("refusal", "evaluator"), ("helpful", "api")} <= scores
        assert "a signed webhook arrived: alert.firing, Demo: calls that fail" in result.stdout
        (incident,) = stack.api("incidents")["data"]
        assert incident["rule_name"] == "Demo: calls that fail"
        (bill,) = stack.api("gpu/cost")["data"]
        assert bill["host"] == "demo-host"
        eventually(lambda: stack.api("ledger")["balanced"])
