"""`python -m proxy` with a second port: taken or free, several workers, an orderly stop, and kill -9 under load."""

import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from ingestion.settings import GatewaySettings
from ingestion.spool import layout
from proxy.grpc.frames import framed
from proxy.listening import grpc_sockets
from tests.conftest import free_port
from tests.proxy.grpc.client import GrpcClient
from tests.proxy.grpc.test_connection import eventually
from tests.proxy.harness import SECRET, RawClient, envelopes
from tests.proxy.test_kill import ROOT, start
from tests.proxy.test_otlp import traces
from tests.proxy.test_workers import alive, children

EXPLICIT = "SPANMETER_OTLP_GRPC_PORT"


def body(number):
    """A request that is like no other."""
    return traces(2) + b"\x7a" + bytes([len(text := b"%d" % number)]) + text


class Launched:
    """A running `python -m proxy`; its log goes on being read, so that it never waits for us."""

    def __init__(self, home, upstream, **environment):
        self.port = free_port()
        self.process, self.http_port = start(home, upstream, **{EXPLICIT: str(self.port)} | environment)
        self.pid = self.process.pid
        self.lines: list[str] = []
        self._drain = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self._drain.start()

    def ended(self):
        """Wait for its end; returns the exit status."""
        status = self.process.wait(40)
        self._drain.join(20)
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def close(self):
        self.stop()
        self.process.stderr.close()
        self.process.stdout.close()


@pytest.fixture
def launch(home, make_upstream):
    made = []

    def build(**environment):
        made.append(Launched(home, make_upstream(), **environment))
        return made[-1]

    yield build
    for one in made:
        one.close()


def run(home, **environment):
    return subprocess.run(
        [sys.executable, "-m", "proxy"],
        cwd=ROOT,
        env={**os.environ, "SPANMETER_HOME": str(home), "SPANMETER_GATEWAY_PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_that_was_asked_for_ends_the_start(home, workers):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(home, SPANMETER_OTLP_GRPC_PORT=str(port), SPANMETER_GATEWAY_WORKERS=workers)
    assert done.returncode == 2
    assert f"OTLP over gRPC: port {port} is taken" in done.stderr
    assert EXPLICIT in done.stderr
    assert "Traceback" not in done.stderr
    assert layout.writers(home / "spool") == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_default_port_is_a_warning(home, launch, workers):
    """4317 is held by us, or for good by somebody else on this machine; either way this gateway does without."""
    held = []

    def hold():
        try:
            held.append(socket.create_server(("127.0.0.1", 4317)))
        except OSError:
            return False
        return True

    try:
        eventually(hold)
    except AssertionError:
        held.append(socket.socket())
    (holder,) = held
    with holder:
        gateway = launch(SPANMETER_OTLP_GRPC_PORT="", SPANMETER_GATEWAY_WORKERS=workers)
        client = RawClient(gateway.http_port)
        client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in client.answer()[0]
        client.close()
    assert gateway.stop() == 0
    assert not any("is served on" in line for line in gateway.lines)


def test_the_warning_names_port_and_setting(home):
    said = []
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patched:
        values = {"SPANMETER_HOME": str(home)}
        settings = GatewaySettings.read(values)
        assert (settings.otlp_grpc_port, settings.otlp_grpc_asked) == (4317, False)
        patched.setattr("proxy.listening.log.warning", lambda text, *values: said.append(text % values))
        taken = other.getsockname()[1]
        assert grpc_sockets(replace(settings, otlp_grpc_port=taken), count=2) == []
        assert grpc_sockets(replace(settings, otlp_grpc_port=0), count=2) == []
    (line,) = said
    assert f"port {taken} is taken" in line
    assert f"set {EXPLICIT} to a free port, or to 0" in line


def test_zero_turns_it_off_and_loads_nothing(home, launch):
    gateway = launch(SPANMETER_OTLP_GRPC_PORT="0", SPANMETER_GATEWAY_WORKERS="1")
    assert gateway.stop() == 0
    assert not any("gRPC" in line for line in gateway.lines)
    code = "import sys, proxy.process; print([m for m in ('h2', 'hpack', 'grpc') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.kill
def test_workers_share_the_port_and_a_killed_one_is_replaced(home, launch, dial):
    gateway = launch(SPANMETER_GATEWAY_WORKERS="2")
    eventually(lambda: len(alive(home)) == 2)
    first, second = children(gateway)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(children(gateway)) == 2 and first not in children(gateway) and len(alive(home)) == 2)
    for number in range(12):
        assert dial(gateway.port).call(body(number)).status == 0
    assert second in children(gateway)
    assert sorted(one.otlp for one in envelopes(home)) == sorted(body(number) for number in range(12))


@pytest.mark.kill
@pytest.mark.parametrize("workers", ["1", "2"])
def test_kill_under_load(home, launch, workers):
    """Who saw status 0 finds the record, once."""
    seen: list[bytes] = []
    sent: list[bytes] = []

    def exporting(first, port):
        client = GrpcClient(port)
        try:
            for number in range(first, first + 100_000, 8):
                calls = {client.begin(): body(number + at) for at in range(8)}  # at once on one connection
                sent.extend(calls.values())
                for stream, content in calls.items():
                    client.body(stream, framed(content))
                for stream, content in calls.items():
                    if client.wait(stream).status == 0:
                        seen.append(content)
        except (OSError, EOFError):
            pass
        finally:
            client.close()

    for round_ in range(2):
        gateway = launch(SPANMETER_GATEWAY_WORKERS=workers)
        threads = [
            threading.Thread(target=exporting, args=((round_ * 10 + one) * 1_000_000, gateway.port)) for one in range(4)
        ]
        for thread in threads:
            thread.start()
        enough = len(seen) + 300
        eventually(lambda enough=enough: len(seen) >= enough, lambda: len(seen))
        os.killpg(gateway.pid, signal.SIGKILL)
        gateway.ended()
        for thread in threads:
            thread.join(30)
    eventually(lambda: not alive(home))
    recorded = [one.otlp for one in envelopes(home)]
    assert set(seen) <= set(recorded)
    assert len(recorded) == len(set(recorded)), "nothing twice"
    assert set(recorded) <= set(sent)


def test_a_stop_lets_the_call_under_way_finish_and_sends_the_client_elsewhere(home, launch, dial):
    gateway = launch(SPANMETER_GATEWAY_WORKERS="1")
    idle, busy = dial(gateway.port), dial(gateway.port)
    assert idle.call(body(1)).status == 0
    stream = busy.begin()
    message = framed(body(2))
    busy.body(stream, message[:-5], end=False)
    assert busy.call(body(3)).status == 0  # what was sent before it on this connection has been read
    gateway.process.send_signal(signal.SIGTERM)
    idle.until_closed()
    assert busy.until_gone().error_code == 0
    assert busy.gone.last_stream_id >= stream
    busy.body(stream, message[-5:])
    assert busy.wait(stream).status == 0
    busy.until_closed()
    assert gateway.ended() == 0
    assert sorted(one.otlp for one in envelopes(home)) == [body(1), body(2), body(3)]
    assert not any("Traceback" in line for line in gateway.lines)


def test_a_stop_at_once_refuses_what_is_not_here(make_gateway, dial):
    gateway = make_gateway(grpc=True)
    client = dial(gateway)
    stream = client.begin()
    client.body(stream, framed(body(1))[:-5], end=False)
    assert client.call(body(2)).status == 0
    stopping = threading.Thread(target=gateway.stop)
    stopping.start()
    answer = client.wait(stream)
    assert (answer.status, answer.head[b"spanmeter-error"]) == (14, b"shutting_down")
    stopping.join(30)
    assert [one.otlp for one in gateway.envelopes()] == [body(2)]


def test_no_secret_is_in_the_log(home, launch, dial):
    gateway = launch()
    assert dial(gateway.port).call(body(1)).status == 0
    assert gateway.stop() == 0
    assert any(f"OTLP over gRPC is served on 127.0.0.1:{gateway.port}" in line for line in gateway.lines)
    assert not any(SECRET in line for line in gateway.lines)
