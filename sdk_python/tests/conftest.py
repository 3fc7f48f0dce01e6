"""What is recorded is looked at in memory; what is sent goes to a gateway that answers as it is told."""

import contextlib
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spanmeter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from spanmeter import _configure
from spanmeter._guard import faults
from spanmeter.testing import spanmeter_recording

__all__ = ["FakeGateway", "spanmeter_recording"]


@pytest.fixture(autouse=True)
def _faults_from_zero() -> Iterator[None]:
    faults.forget()
    yield
    faults.forget()


class FakeGateway(ThreadingHTTPServer):
    """Remembers every request; answers what `script` says next, 200 when it is empty."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        self.hang_up = False

    @property
    def url(self) -> str:
        """The origin."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, signal: str = "traces") -> list[bytes]:
        """The bodies as they were before compression."""
        return [
            gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            for path, headers, body in self.requests
            if path.endswith(signal)
        ]

    def spans(self) -> list[Any]:
        """Every span that came."""
        return [
            span
            for body in self.bodies()
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, str]:
        """The attributes of the first resource that came."""
        message = ExportTraceServiceRequest.FromString(self.bodies()[0])
        return {pair.key: pair.value.string_value for pair in message.resource_spans[0].resource.attributes}

    def events(self) -> list[Any]:
        """Every log record that came."""
        return [
            record
            for body in self.bodies("logs")
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def wait_for(self, count: int, *, seconds: float = 20) -> None:
        """Wait until so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), len(self.requests)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what the tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeGateway

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.arrived:
            self.server.requests.append((self.path, headers, body))
            status, extra, content = self.server.script.pop(0) if self.server.script else (200, {}, b"")
            self.server.arrived.notify_all()
        if self.server.hang_up:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def serving(gateway: FakeGateway) -> Iterator[FakeGateway]:
    """Serve until the block ends."""
    thread = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.shutdown()
        gateway.server_close()
        thread.join()


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """A gateway that answers."""
    with serving(FakeGateway()) as running:
        yield running


@pytest.fixture
def configured(gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """configure() with a provider of its own, towards the gateway, forgotten afterwards."""
    for name in [name for names in _configure_variables() for name in names]:
        monkeypatch.delenv(name, raising=False)
    providers: list[TracerProvider] = []

    def configure(**settings: Any) -> TracerProvider:
        provider = settings.pop("tracer_provider", None) or TracerProvider(shutdown_on_exit=False)
        providers.append(provider)
        defaults = {
            "base_url": gateway.url,
            "api_key": "sm-sk-test",
            "spool_directory": tmp_path / "spool",
            "interval": 0.05,
            "timeout": 5,
        }
        assert spanmeter.configure(tracer_provider=provider, **{**defaults, **settings})
        return provider

    yield configure
    spanmeter.shutdown(5)
    for provider in providers:
        _configure._installed.intakes.pop(id(provider), None)
    _configure._installed.worker = _configure._installed.delivery = None


def _configure_variables() -> list[tuple[str, ...]]:
    from spanmeter._settings import VARIABLES

    return list(VARIABLES.values())
