"""`make up` on an empty machine: from the command to a priced trace, and the same after a second start.

The README's examples are run here as they stand, with only the address and the key put in.
"""

import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.house.doc_upstream import doc_upstream
from tests.journey.stack import Stack, eventually, running_stack

pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """What answers in place of the providers."""
    with doc_upstream() as origin:
        yield origin


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the first and the second start."""
    return tmp_path_factory.mktemp("home")


def settings(upstream: str) -> dict[str, str]:
    return {"SPANMETER_UPSTREAM_OPENAI": upstream, "SPANMETER_UPSTREAM_ANTHROPIC": upstream}


def count(stack: Stack, where: str) -> int:
    return int(stack.query(f"SELECT count() FROM spans WHERE {where}")[0][0])


def examples(stack: Stack) -> list[str]:
    """The README's Python blocks, pointed at this installation."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [
        block.replace("http://127.0.0.1:8100", stack.gateway).replace("sm-sk-YOUR-KEY", stack.bootstrap["secret_key"])
        for block in blocks
    ]


def test_from_nothing_to_a_priced_trace_and_again(home: Path, upstream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One story, because a start costs seconds."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-provider-secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-provider-secret")
    with running_stack(home, settings=settings(upstream)) as stack:
        run_the_examples(stack)
        told_in_the_terminal(stack)
        a_second_start_is_refused(stack)
        no_secret_was_kept(stack)
    with running_stack(home, settings=settings(upstream)) as again:
        assert again.bootstrap["secret_key"] == stack.bootstrap["secret_key"]
        assert count(again, "model = 'gpt-4o-mini-2024-07-18'") == 1
        assert len(again.api("traces")["data"]) == 3


def run_the_examples(stack: Stack) -> None:
    found = examples(stack)
    assert len(found) == 3
    for example in found:
        names: dict[str, object] = {}
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102
        if "exporter" in names:
            export_one_span(names["exporter"])
        names["client"].close() if "client" in names else None  # type: ignore[attr-defined]
    eventually(lambda: count(stack, "1") == 3, told=lambda: stack.query("SELECT model, name, status FROM spans"))
    rows = stack.query(
        "SELECT provider, model, input_tokens, output_tokens, cost_usd, cost_status FROM spans ORDER BY model"
    )
    priced = {row[1]: row for row in rows}
    assert priced["gpt-4o-mini-2024-07-18"][2:4] == (8, 2)
    assert priced["gpt-4o-mini-2024-07-18"][4] == Decimal("0.0000024")
    assert priced["claude-sonnet-4-6"][4] == Decimal("0.000054")
    assert len(stack.api("traces")["data"]) == 3
    ledger = eventually(lambda: (found := stack.api("ledger"))["spooled"] == 0 and found)
    assert (ledger["accepted"], ledger["written"], ledger["dropped"], ledger["balanced"]) == (3, 3, {}, True)


def export_one_span(exporter: object) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))  # type: ignore[arg-type]
    with provider.get_tracer("readme").start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "readme-model")
    provider.shutdown()


def told_in_the_terminal(stack: Stack) -> None:
    terminal = (stack.home / "terminal.log").read_text()
    assert f"{stack.gateway}/k/{stack.bootstrap['secret_key']}/openai/v1" in terminal
    assert stack.web in terminal
    assert "Traceback" not in terminal
    page = httpx.get(stack.web, follow_redirects=True)
    assert page.status_code == 200


def a_second_start_is_refused(stack: Stack) -> None:
    import os
    import sys

    again = subprocess.run(
        [sys.executable, "-m", "apps.config.up"],
        cwd=ROOT,
        env={**os.environ, "SPANMETER_HOME": str(stack.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert again.returncode == 1
    assert "already runs in" in again.stderr


def no_secret_was_kept(stack: Stack) -> None:
    """The provider's key passed through; it is in no file and no row."""
    everything = stack.query("SELECT toString(request_headers), raw_request, toString(attributes) FROM spans")
    assert "sk-provider-secret" not in str(everything)
    for path in stack.home.rglob("*"):
        if path.is_file():
            assert b"sk-provider-secret" not in path.read_bytes(), path
