"""kill -9 under load: every answer that a client saw to its end has its CLOSE, everything in flight its OPEN."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingestion.envelope import Kind
from ingestion.spool import layout
from ingestion.spool.segment import walk
from tests.proxy.harness import RawClient, closes, envelopes, post

ROOT = Path(__file__).resolve().parents[2]


def start(home, upstream, **environment):
    """Start `python -m proxy`; returns (process, port)."""
    values = {
        **os.environ,
        "SPANMETER_HOME": str(home),
        "SPANMETER_GATEWAY_PORT": "0",
        "SPANMETER_OTLP_GRPC_PORT": "0",
        "SPANMETER_UPSTREAM_OPENAI": upstream.url,
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy"],
        cwd=ROOT,
        env=values,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "listens on" in line:
            return process, int(line.rsplit(":", 1)[1])
    raise AssertionError(f"the gateway did not start: {process.wait()}")


def kill(process):
    """Kill the parent and its workers at one blow: workers that outlive their parent end in order."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stderr.read()  # ends when the last of them is gone


@pytest.mark.kill
def test_kill_under_load(home, make_upstream):
    upstream = make_upstream()
    seen, sent = [], []

    def client(number, port):
        connection = RawClient(port)
        try:
            for count in range(100_000):
                body = b'{"n": "%d-%d"}' % (number, count)
                sent.append(body)
                connection.send(post(body=body))
                connection.answer()
                seen.append(body)
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    for round_ in range(3):
        process, port = start(home, upstream)
        with process:
            threads = [threading.Thread(target=client, args=(round_ * 10 + n, port)) for n in range(6)]
            for thread in threads:
                thread.start()
            enough = len(seen) + 300
            while len(seen) < enough:
                threading.Event().wait(0.01)
            kill(process)
            for thread in threads:
                thread.join(20)

    recorded = [one.exchange.request_body for one in closes(home)]
    assert set(seen) <= set(recorded)
    assert len(recorded) == len(set(recorded)), "nothing twice"
    assert set(recorded) <= set(sent)
    for name in layout.writers(home / "spool"):
        assert not layout.writer_alive(home / "spool" / name)


@pytest.mark.kill
def test_what_is_in_flight_at_a_kill_is_found_with_its_request(home, make_upstream):
    arrived = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        arrived.set()
        connection.client_went()

    process, port = start(home, make_upstream(script))
    with process:
        client = RawClient(port)
        client.send(post(body=b'{"in": "flight"}'))
        client.until(b"hello")
        kill(process)
        client.close()
    opened = list(envelopes(home))  # a second one, if the body came after the head: the last counts
    assert {found.kind for found in opened} == {Kind.OPEN}
    found = opened[-1]
    assert found.exchange.request_body == b'{"in": "flight"}'
    assert found.exchange.provider == "openai"


def test_sigterm_stops_in_order(home, make_upstream):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        go.wait(10)
        connection.send(b"0\r\n\r\n")

    process, port = start(home, make_upstream(script))
    with process:
        client = RawClient(port)
        client.send(post())
        client.until(b"hello")
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        for line in process.stderr:
            if "stopping" in line:
                break
        go.set()
        assert client.to_the_end().endswith(b"0\r\n\r\n")
        assert process.wait(20) == 0
        client.close()
    assert len(closes(home)) == 1


def test_a_taken_port_names_the_port_and_the_setting(home, make_upstream):
    upstream = make_upstream()
    done = subprocess.run(
        [sys.executable, "-m", "proxy"],
        cwd=ROOT,
        env={**os.environ, "SPANMETER_HOME": str(home), "SPANMETER_GATEWAY_PORT": str(upstream.port)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {upstream.port} is taken" in done.stderr
    assert "SPANMETER_GATEWAY_PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert layout.writers(home / "spool") == []


def test_a_wrong_setting_is_one_line(home):
    done = subprocess.run(
        [sys.executable, "-m", "proxy"],
        cwd=ROOT,
        env={**os.environ, "SPANMETER_HOME": str(home), "SPANMETER_UPSTREAM_OPENAI": "openai.example"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "SPANMETER_UPSTREAM_OPENAI='openai.example'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_gateway_imports_nothing_of_the_web_or_the_store():
    code = "import sys, proxy.__main__; print([m for m in sys.modules if m.split('.')[0] in "
    code += "{'django', 'celery', 'clickhouse_driver', 'chdb', 'apps', 'rest_framework'}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_torn_tail_does_not_hide_what_was_written(home, make_upstream):
    process, port = start(home, make_upstream())
    with process:
        client = RawClient(port)
        client.send(post())
        client.answer()
        client.close()
        process.kill()
        process.wait(10)
    (path,) = (home / "spool").rglob("*.seg")
    content = path.read_bytes()
    for cut in range(len(content)):
        assert len(list(walk(content[:cut]))) in {0, 1}
