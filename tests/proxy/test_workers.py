"""Several workers behind one port: one page of numbers, a killed worker is replaced and nothing is lost."""

import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingestion.envelope import Outcome
from ingestion.spool import layout
from proxy.metrics import Metrics
from proxy.shared_metrics import SharedMetrics
from proxy.workers import how_many, listening_sockets
from tests.proxy.harness import RawClient, closes, post
from tests.proxy.test_kill import start


def children(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def page(port):
    client = RawClient(port)
    client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    text = client.answer()[1].decode()
    client.close()
    return {name: float(value) for name, value in re.findall(r"^(\S+) ([\d.]+)$", text, re.MULTILINE)}


def ask(port, body=b"{}"):
    client = RawClient(port)
    try:
        client.send(post(body=body))
        client.answer()
    finally:
        client.close()


def alive(home):
    return [name for name in layout.writers(home / "spool") if layout.writer_alive(home / "spool" / name)]


def left(home):
    """Return how many complete exchanges the workers' pages on disk tell of: what a kill cannot take away."""
    pages = (home / "gateway" / "workers").glob("*.json")
    return sum(json.loads(path.read_bytes())[1]["outcomes"][Outcome.COMPLETE] for path in pages)


def until(met):
    for _ in range(1000):
        if met():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


@pytest.fixture
def running(home, make_upstream):
    process, port = start(home, make_upstream(), SPANMETER_GATEWAY_WORKERS="2")
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    until(lambda: len(alive(home)) == 2)
    yield process, port
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) in {0, -signal.SIGKILL}
    drain.join(10)
    process.stderr.close()
    process.stdout.close()


@pytest.mark.kill
def test_a_killed_worker_is_replaced_and_nothing_is_lost(home, running):
    process, port = running
    seen, stop = [], threading.Event()

    def client(number):
        count = 0
        connection = None
        while not stop.is_set():
            body = b'{"n": "%d-%d"}' % (number, count)
            count += 1
            try:
                connection = connection or RawClient(port)
                connection.send(post(body=body))
                connection.answer()
            except (OSError, EOFError):
                if connection:
                    connection.close()
                connection = None
            else:
                seen.append(body)
        if connection:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(seen) > 200)
    (first, second) = children(process)
    subprocess.run(["kill", "-9", str(first)], check=True)
    until(lambda: len(children(process)) == 2 and first not in children(process) and len(alive(home)) == 2)
    enough = len(seen) + 200
    until(lambda: len(seen) > enough)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert second in children(process)
    recorded = [one.exchange.request_body for one in closes(home)]
    assert set(seen) <= set(recorded)
    assert len(recorded) == len(set(recorded)), "nothing twice"


@pytest.mark.kill
def test_the_numbers_of_all_workers_are_one_page_and_survive_a_worker(home, running):
    process, port = running
    for _ in range(20):
        ask(port)
    name = 'spanmeter_gateway_exchanges_total{outcome="complete"}'
    until(lambda: left(home) == 20)
    subprocess.run(["kill", "-9", str(children(process)[0])], check=True)
    until(lambda: len(alive(home)) == 2)
    until(lambda: all(page(port).get(name) == 20 for _ in range(8)))
    for _ in range(5):
        ask(port)
    until(lambda: all(page(port).get(name) == 25 for _ in range(8)))


@pytest.mark.kill
def test_workers_end_with_their_parent(home, running):
    process, _ = running
    process.kill()
    until(lambda: not alive(home))


def test_a_taken_port_is_noticed_by_a_gateway_of_several_workers(home, running, make_upstream):
    _, port = running
    done = subprocess.run(
        [sys.executable, "-m", "proxy"],
        env={"SPANMETER_HOME": str(home), "SPANMETER_GATEWAY_PORT": str(port), "SPANMETER_GATEWAY_WORKERS": "2"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr
    assert "SPANMETER_GATEWAY_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_how_many_by_default():
    assert [how_many(0, cores=cores) for cores in (1, 2, 4, 8, 64)] == [1, 2, 2, 4, 4]
    assert how_many(7, cores=2) == 7


def test_sockets_of_one_port():
    made = listening_sockets("127.0.0.1", 0, count=3)
    try:
        assert len({one.getsockname() for one in made}) == 1
        with pytest.raises(OSError, match="in use"):
            listening_sockets("127.0.0.1", made[0].getsockname()[1], count=1)
    finally:
        for one in made:
            one.close()


def test_pages_are_added_up(tmp_path):
    first, second = Metrics(), Metrics()
    for number, one in enumerate((first, second)):
        one.requests["openai", 200] += number + 1
        one.outcomes[Outcome.COMPLETE] += 1
        one.connections = 3
        one.observe(0.2)
    pages = [SharedMetrics(tmp_path, slot=slot, own=own) for slot, own in enumerate((first, second))]
    for each in pages:
        each.leave()
    (tmp_path / "2.json").write_text("not JSON")
    (tmp_path / "3.json").write_text("[1, {}]")
    whole = pages[0].together()
    assert whole.requests["openai", 200] == 3
    assert (whole.outcomes[Outcome.COMPLETE], whole.connections) == (2, 6)
    assert b"first_byte_seconds_count 2\n" in whole.text(spooled_bytes=0, spool_full=False, keys_age=0)
    again = Metrics()
    SharedMetrics(tmp_path, slot=1, own=again).take_over()
    assert (again.requests["openai", 200], again.connections) == (2, 0)
