"""A turn, a body, a command: what goes out, and what happens when something is away."""

import http.server
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from spanmeter._settings import read_settings
from spanmeter.gpu import command, metric_names
from spanmeter.gpu.agent import Agent
from spanmeter.gpu.claim import AlreadyWatched, claim
from spanmeter.gpu.fetch import NobodyListens, fetch
from spanmeter.gpu.nvml import NvmlSource
from spanmeter.gpu.otlp import Starts, request
from spanmeter.gpu.point import Histogram, Instrument, Point
from spanmeter.gpu.sending import Sending
from spanmeter.gpu.simulated import SimulatedGpu, SimulatedNvml
from spanmeter.gpu.source import SourceFailed

SECOND = 1_000_000_000


class Kept:
    """Takes bodies."""

    def __init__(self) -> None:
        self.bodies: list[ExportMetricsServiceRequest] = []

    def take(self, content: bytes, points: int) -> None:
        self.bodies.append(ExportMetricsServiceRequest.FromString(content))

    def send_waiting(self) -> None: ...


class Broken:
    """A source that fails."""

    name, place = "vllm", "x:1"

    def read(self) -> Sequence[Point]:
        raise SourceFailed("connection reset")


def metrics_of(body: ExportMetricsServiceRequest) -> dict[str, object]:
    return {metric.name: metric for metric in body.resource_metrics[0].scope_metrics[0].metrics}


def test_a_source_that_fails_takes_no_other_with_it() -> None:
    """Its own failure is a point."""
    kept = Kept()
    gpu = NvmlSource(SimulatedNvml([SimulatedGpu()]))
    agent = Agent([Broken(), gpu], takes=kept, resource={"host.name": "node-1"}, clock_ns=lambda: 5 * SECOND)
    assert agent.turn() > 10
    metrics = metrics_of(kept.bodies[0])
    up = {p.attributes[0].value.string_value: p.as_int for p in metrics[metric_names.SOURCE_UP].gauge.data_points}
    assert up == {"vllm": 0, "nvml": 1}
    assert kept.bodies[0].resource_metrics[0].resource.attributes[0].value.string_value == "node-1"
    assert metrics["hw.energy"].sum.is_monotonic
    assert metrics["hw.energy"].sum.data_points[0].time_unix_nano == 5 * SECOND


def test_a_counter_that_resets_begins_again() -> None:
    """The new start is the last time at which it was higher, so that a difference across it is never taken."""
    starts = Starts()

    def start(value: float, at: int) -> int:
        point = Point(name="c", value=value, unit="1", instrument=Instrument.COUNTER)
        body = ExportMetricsServiceRequest.FromString(request([point], resource={}, now_ns=at, starts=starts))
        return body.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].start_time_unix_nano

    assert [start(5, 10), start(9, 20), start(2, 30), start(4, 40)] == [10, 10, 20, 20]


def test_histograms_keep_their_buckets() -> None:
    """Count, sum, bounds and counts, as the server said them."""
    point = Point(name="h", value=Histogram(3, None, (1.0,), (2, 1)), unit="s", instrument=Instrument.HISTOGRAM)
    body = ExportMetricsServiceRequest.FromString(request([point], resource={}, now_ns=1, starts=Starts()))
    found = metrics_of(body)["h"].histogram.data_points[0]
    assert (found.count, list(found.bucket_counts), list(found.explicit_bounds)) == (3, [2, 1], [1.0])
    assert not found.HasField("sum")


def test_two_agents_on_one_host(tmp_path: Path) -> None:
    """The second is told who reads already, whichever way it writes this host's name; another source is free."""
    held = claim("vllm", "localhost:8000", folder=tmp_path)
    with pytest.raises(AlreadyWatched, match=f"process {os.getpid()} already reads vllm"):
        claim("vllm", "127.0.0.1:8000", folder=tmp_path)
    os.close(claim("vllm", "127.0.0.1:8001", folder=tmp_path))
    os.close(held)
    os.close(claim("vllm", "127.0.0.1:8000", folder=tmp_path))


class Gateway(http.server.BaseHTTPRequestHandler):
    """Counts what it is given."""

    bodies: list[tuple[str, bytes, int]] = []
    status = 200
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"])), self.status))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"whole 1\nhal")
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def gateway() -> Iterator[http.server.ThreadingHTTPServer]:
    """A server that accepts everything; not yet serving until asked."""
    Gateway.bodies, Gateway.status = [], 200
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_cannot_be_sent_waits_on_disk_and_is_sent_once(
    tmp_path: Path, gateway: http.server.ThreadingHTTPServer
) -> None:
    """Also by another agent, after the first has died; the bytes are the same."""
    base = f"http://127.0.0.1:{gateway.server_port}"
    settings = read_settings({"base_url": base, "api_key": "k", "spool_directory": str(tmp_path)}, {})
    away = Sending(settings, agent="a")
    Gateway.status = 503
    away.take(b"body", 3)
    away.close()
    Gateway.status = 200
    another = Sending(settings, agent="a")
    another.send_waiting()
    another.send_waiting()
    another.close()
    assert [(path, status) for path, _, status in Gateway.bodies] == [("/v1/metrics", 503), ("/v1/metrics", 200)]
    assert Gateway.bodies[0][1] == Gateway.bodies[1][1]
    assert another.delivery.delivered == 3


def test_a_page_that_ends_early_and_a_port_that_nobody_holds(gateway: http.server.ThreadingHTTPServer) -> None:
    """The one is incomplete, the other refused."""
    found = fetch(f"http://127.0.0.1:{gateway.server_port}/metrics")
    assert (found.status, found.complete, found.body) == (200, False, b"whole 1\nhal")
    with pytest.raises(NobodyListens, match="connection refused"):
        fetch("http://127.0.0.1:1/metrics")


def test_the_command_sends_once(
    tmp_path: Path, gateway: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the words to the gateway; simulated data says what it is."""
    monkeypatch.setattr(command, "claims_folder", lambda: tmp_path)
    monkeypatch.setenv("SPANMETER_OFFLINE_DIR", str(tmp_path))
    monkeypatch.setenv("SPANMETER_API_KEY", "k")
    monkeypatch.setenv("SPANMETER_COMPRESSION", "off")
    base = f"http://127.0.0.1:{gateway.server_port}"
    words = ["simulated=2", "--gateway", base, "--host", "node-9", "--label", "team=a", "--once"]
    assert command.main(["gpu", *words]) == 0
    (path, content, _), *rest = Gateway.bodies
    assert (path, rest) == ("/v1/metrics", [])
    body = ExportMetricsServiceRequest.FromString(content)
    resource = {a.key: a.value.string_value for a in body.resource_metrics[0].resource.attributes}
    assert resource["host.name"] == "node-9"
    assert resource["spanmeter.simulated"] == "true"
    assert resource["spanmeter.label.team"] == "a"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gpu", "vllm"], "say where it is, as vllm=http://127.0.0.1:8000"),
        (["gpu", "ollama=x"], "'ollama' is no source"),
        (["gpu", "simulated=0"], "N from 1 to 64"),
        (["gpu", "simulated", "--every", "0"], "0.1 to 3600"),
        (["gpu", "simulated", "--label", "x"], "key=value"),
        (["gpu", "simulated", "--gateway", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_is_one_clear_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No traceback, status 2."""
    monkeypatch.setattr(command, "claims_folder", lambda: tmp_path)
    monkeypatch.setenv("SPANMETER_API_KEY", "k")
    monkeypatch.setenv("SPANMETER_OFFLINE_DIR", str(tmp_path))
    assert command.main(words) == 2
    assert said in capsys.readouterr().err


def test_no_key_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way to one."""
    monkeypatch.delenv("SPANMETER_API_KEY", raising=False)
    assert command.main(["gpu", "simulated"]) == 2
    assert "SPANMETER_API_KEY" in capsys.readouterr().err
