"""The real process under `kill -9`, again and again, while a gateway goes on writing: with the embedded store, and with
one that is named by URL, for which ingest unfolds batches in an engine of its own.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.store.client import Store
from tests.ingestion.world import World, identity, traces

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["embedded", "by url"])
def start(request: pytest.FixtureRequest, world: World, store: Store) -> Iterator[object]:
    """Start the program; what still runs at the end is stopped."""
    address = store.address
    assert (address.user, address.host) == ("spanmeter", "127.0.0.1")
    where = {"SPANMETER_STORE_PORT": str(address.port), "SPANMETER_STORE_PASSWORD": address.password}
    if request.param == "by url":
        url = f"clickhouse://{address.user}:{address.password}@{address.host}:{address.port}/default"
        where = {"SPANMETER_CLICKHOUSE_URL": url}
    values = {"SPANMETER_HOME": str(world.home), "SPANMETER_INGEST_POLL": "0.01", **where}
    running: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestion"], cwd=ROOT, env={**os.environ, **values}, stdout=subprocess.PIPE
        )
        running.append(process)
        assert process.stdout is not None
        assert b"reading" in process.stdout.readline()
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.mark.kill
def test_kill_9_in_a_loop(world: World, start, tmp_path: Path) -> None:
    gateway = world.gateway()
    sent_spans = sent_exchanges = 0
    for number in range(8):
        process = start()
        for _ in range(3):
            count = 1 + secrets.randbelow(40)
            sent_spans += count
            sent_exchanges += 1
            world.put(gateway, world.body(traces(count, seed=sent_exchanges), records=count), world.closed(identity()))
        try:
            process.wait(timeout=0.1 + 0.15 * number)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        world.assert_balanced()
    world.put(gateway, world.opened(identity()))
    gateway.close()
    start()
    deadline = time.monotonic() + 120
    # The row of `batches` comes last: only when the ledger knows the interrupted exchange is its batch whole.
    whole = sent_spans + sent_exchanges + 1
    while world.balance()[3] or world.balance()[0] < whole:
        assert time.monotonic() < deadline, f"not read to the end: {world.balance()}, {world.spans()}"
        time.sleep(0.1)
    assert world.spans() == [
        ("gateway", "interrupted", 1),
        ("gateway", "ok", sent_exchanges),
        ("otlp", "unset", sent_spans),
    ]
    assert world.balance() == (whole, whole, 0, 0)


def test_sigterm_ends_it_in_order(world: World, start) -> None:
    gateway = world.gateway()
    world.put(gateway, world.closed(identity()))
    process = start()
    process.terminate()
    assert process.wait(timeout=60) == 0
    assert not (world.home / "ingest" / "plan.json").exists()
