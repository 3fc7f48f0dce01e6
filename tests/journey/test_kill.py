"""Any process may die at any moment: `kill -9` under load, many rounds, and afterwards the ledger balances.

What must hold: an exchange whose answer a client saw to its end, and every OTLP batch that got its 200, is in the
store exactly once; an exchange that reached the provider and was cut off is there as well, once, and says so.
"""

import os
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journey.model_server import ModelServer, model_server
from tests.journey.stack import Stack, eventually, running_stack

pytestmark = [pytest.mark.kill, pytest.mark.timeout(600)]

ROUNDS = int(os.environ.get("SPANMETER_KILL_ROUNDS", "10"))
VICTIMS = ("gateway", "ingest", "store", "gateway", "web", "worker", "ingest", "store")
SPANS = 5


@dataclass
class Load:
    """What the clients did and what they were told."""

    stack: Stack
    stop: threading.Event = field(default_factory=threading.Event)
    finished: set[str] = field(default_factory=set)
    accepted_spans: set[str] = field(default_factory=set)
    resent: int = 0
    problems: list[str] = field(default_factory=list)

    def chat(self, worker: int) -> None:
        """Send chats one after another; each has a marker of its own, half of them stream."""
        url = f"{self.stack.gateway}/openai/v1/chat/completions"
        headers = {
            "authorization": "Bearer sk-nobody",
            "spanmeter-auth": f"Bearer {self.stack.bootstrap['secret_key']}",
        }
        number = 0
        while not self.stop.is_set():
            number += 1
            marker = f"m{worker}x{number}"
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": marker}], "stream": bool(number % 2)}
            try:
                with httpx.Client(timeout=20) as client:
                    answer = client.post(url, json=body, headers=headers | {"spanmeter-property-marker": marker})
                whole = answer.status_code == 200 and (number % 2 == 0 or answer.text.endswith("data: [DONE]\n\n"))
            except httpx.HTTPError:
                self.stop.wait(0.05)
                continue
            if whole:
                self.finished.add(marker)
            elif answer.status_code != 200:
                self.problems.append(f"{marker}: {answer.status_code} {answer.text[:200]}")

    def export(self) -> None:
        """Export batches of spans; one whose answer was lost is sent again, byte for byte, until it is accepted."""
        url = f"{self.stack.gateway}/v1/traces"
        headers = {
            "authorization": f"Bearer {self.stack.bootstrap['secret_key']}",
            "content-type": "application/x-protobuf",
        }
        rng = random.Random(7)
        while not self.stop.is_set():
            ids = [rng.randbytes(8) for _ in range(SPANS)]
            body = _spans(rng.randbytes(16), ids)
            tries = 0
            while not self.stop.is_set():
                tries += 1
                try:
                    answer = httpx.post(url, content=body, headers=headers, timeout=20)
                except httpx.HTTPError:
                    self.stop.wait(0.05)
                    continue
                if answer.status_code == 200:
                    self.accepted_spans.update(span.hex() for span in ids)
                    self.resent += tries > 1
                    break
                self.problems.append(f"otlp: {answer.status_code} {answer.text[:200]}")
                break


def test_whatever_dies_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """The ledger is asked, and the rows are counted against what the clients saw."""
    with (
        model_server(pause=0.01) as upstream,
        running_stack(tmp_path / "home", settings={"SPANMETER_UPSTREAM_OPENAI": upstream.url}) as stack,
    ):
        load = Load(stack)
        clients = [threading.Thread(target=load.chat, args=(worker,)) for worker in range(6)]
        clients.append(threading.Thread(target=load.export))
        for client in clients:
            client.start()
        try:
            killed = _kill_in_turn(stack, load)
        finally:
            load.stop.set()
            for client in clients:
                client.join()
        assert sum(killed.values()) >= ROUNDS
        assert len(load.finished) > 20 * ROUNDS / 10
        assert load.problems == []
        ledger = eventually(lambda: _settled(stack), seconds=120, told=lambda: _ledger(stack))
        _assert_exactly_once(stack, load, upstream, ledger)


def _kill_in_turn(stack: Stack, load: Load) -> Counter[str]:
    """Kill one process a round, some while another is still coming back."""
    rng = random.Random(3)
    killed: Counter[str] = Counter()
    for number in range(ROUNDS):
        victim = VICTIMS[number % len(VICTIMS)]
        load.stop.wait(rng.uniform(0.3, 1.5))
        eventually(lambda victim=victim: stack.kill(victim), seconds=60, told=lambda v=victim: f"{v} did not come back")
        killed[victim] += 1
    load.stop.wait(1)
    return killed


def _ledger(stack: Stack) -> Any:
    try:
        return stack.api("ledger")
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"


def _settled(stack: Stack) -> Any:
    """Return the ledger once nothing is on its way any more."""
    ledger = _ledger(stack)
    if isinstance(ledger, dict) and ledger["balanced"] and not ledger["spooled"] and not ledger.get("in_flight"):
        return ledger
    return None


def _assert_exactly_once(stack: Stack, load: Load, upstream: ModelServer, ledger: dict[str, Any]) -> None:
    rows = stack.query("SELECT properties['marker'], status, usage_basis FROM spans WHERE source = 'gateway'")
    markers = Counter(str(marker) for marker, _, _ in rows)
    statuses = {str(marker): str(status) for marker, status, _ in rows}
    doubled = {marker for marker, count in markers.items() if count > 1}
    assert doubled == set()
    assert load.finished - set(markers) == set(), "answers that a client saw to the end, and no record of them"
    assert {statuses[marker] for marker in load.finished} == {"ok"}
    assert upstream.seen - set(markers) == set(), "requests that reached the provider, and no record of them"
    cut_off = {statuses[marker] for marker in upstream.seen - load.finished}
    assert cut_off <= {"interrupted", "cancelled", "error", "ok"}
    assert "interrupted" in statuses.values()

    spans = Counter(str(span) for (span,) in stack.query("SELECT span_id FROM spans WHERE source != 'gateway'"))
    assert {span for span, count in spans.items() if count > 1} == set()
    assert load.accepted_spans - set(spans) == set(), "spans that were accepted and are not there"

    total = stack.query("SELECT count() FROM spans")[0][0]
    rolled_up = stack.query("SELECT sum(spans) FROM usage_by_hour")[0][0]
    assert rolled_up == total == ledger["written"]
    assert ledger["accepted"] == ledger["written"] + sum(ledger["dropped"].values())


def _spans(trace_id: bytes, span_ids: list[bytes]) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for span_id in span_ids:
        span = scope.spans.add(trace_id=trace_id, span_id=span_id, name="chat gpt-4o")
        span.start_time_unix_nano = 1_790_000_000_000_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000_000
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.response.model", "gpt-4o-2024-08-06")):
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 10
    return request.SerializeToString()
