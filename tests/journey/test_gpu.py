"""A real llama.cpp server, the agent that reads it, the gateway, the store, the API: and the bill comes out even."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.config.demo.model import MODEL, model_file
from apps.config.demo.server import model_running
from bench.free_port import free_port
from tests.journey.stack import Stack, eventually, running_stack

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(model_file() is None, reason="the demo's model is not installed (make demo installs it)"),
]

ROOT = Path(__file__).parents[2]
HOST = "node-of-the-test"
PRICE = f"""
[[gpu_price]]
host = "{HOST}"
per_hour = "7.20"
currency = "USD"
valid_from = 2020-01-01
"""


@contextmanager
def agent_running(stack: Stack, port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`spanmeter gpu` as a person would start it, on the one source there is here."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "sdk_python" / "src"),
        "SPANMETER_BASE_URL": stack.gateway,
        "SPANMETER_API_KEY": stack.bootstrap["secret_key"],
        "SPANMETER_OFFLINE_DIR": str(folder),
        "TMPDIR": str(folder),
    }
    words = [f"llama_cpp=http://127.0.0.1:{port}", "--every", "0.5", "--host", HOST]
    folder.mkdir()
    with (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "spanmeter.gpu", *words], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def served(stack: Stack) -> dict[str, Any]:
    rows = [row for row in stack.api("gpu/serving", range="1h")["data"] if row["model"] == MODEL]
    return rows[0] if rows else {}


def ask(stack: Stack, number: int) -> int:
    """One chat through the gateway; returns its tokens."""
    answer = httpx.post(
        f"{stack.gateway}/k/{stack.bootstrap['secret_key']}/local/v1/chat/completions",
        json={"model": MODEL, "max_tokens": 6, "messages": [{"role": "user", "content": f"Count to {number}."}]},
        timeout=120,
    )
    answer.raise_for_status()
    usage = answer.json()["usage"]
    return int(usage["prompt_tokens"] + usage["completion_tokens"])


def test_the_bill_of_a_real_model_comes_out_even(tmp_path: Path) -> None:
    """From the server's own counters to money; nothing of it doubled, and the ledger balances."""
    port = free_port()
    settings = {"SPANMETER_UPSTREAM_LOCAL": f"http://127.0.0.1:{port}"}
    with (
        running_stack(tmp_path / "home", settings=settings) as stack,
        agent_running(stack, port, tmp_path / "agent"),
    ):
        prices = stack.home / "gpu_prices"
        prices.mkdir()
        (prices / "test.toml").write_text(PRICE, encoding="utf-8")
        states = "SELECT DISTINCT labels['spanmeter.serving.state'] FROM gpu_samples WHERE metric = %(metric)s"
        metric = {"metric": "spanmeter.serving.state"}
        eventually(lambda: ("down",) in stack.query(states, metric), seconds=60)
        with model_running(port, log=tmp_path / "model.log", waiting=lambda _seconds: None):
            eventually(lambda: served(stack).get("state") == "ready", seconds=60)
            tokens = sum(ask(stack, number) for number in range(3, 6))
            eventually(
                lambda: (served(stack).get("output_tokens") or 0) >= 18 and _calls(stack) == 3,
                seconds=60,
                told=lambda: f"{served(stack)}",
            )
            row = served(stack)
            (cost,) = stack.api("gpu/cost", range="1h")["data"]
        assert row["kind"] == "llama_cpp"
        assert row["running"] is not None
        assert row["output_tokens"] == 18, "the server's counter, neither doubled nor missed"
        assert (cost["host"], cost["models"], cost["calls"], cost["tokens"]) == (HOST, [MODEL], 3, tokens)
        bill, requests, idle, cold = (Decimal(cost[name]) for name in ("bill", "requests", "idle", "cold_start"))
        assert requests + idle + cold == bill
        assert min(bill, requests, idle) > 0
        assert (cold > 0) == bool(row["cold_start"]), "a load that was seen is paid for"
        assert Decimal(cost["per_million_tokens"]) > 0
        assert sum(Decimal(one["amount"]) for one in cost["dearest"]) == requests
        doubled = "SELECT count() FROM gpu_samples GROUP BY metric, device, model, time, labels HAVING count() > 1"
        assert stack.query(doubled) == []
        eventually(lambda: stack.api("ledger")["balanced"], seconds=30)


def _calls(stack: Stack) -> int:
    found = stack.api("gpu/cost", range="1h")["data"]
    return int(found[0]["calls"]) if found else 0
