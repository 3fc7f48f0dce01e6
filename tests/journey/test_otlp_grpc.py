"""OpenTelemetry's exporters over gRPC against the whole product: what was exported is what the store says, once."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.journey.stack import Stack, eventually, running_stack

pytestmark = pytest.mark.timeout(180)

COMPRESSIONS = {"plain": None, "gzip": grpc.Compression.Gzip}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One installation for all tests of this module."""
    with running_stack(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """An endpoint and a key, and nothing else."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{stack.ports['OTLP_GRPC']}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{stack.bootstrap['secret_key']}")
    return stack


def export_spans(name: str, count: int, exporter: OTLPSpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    for number in range(count):
        with provider.get_tracer("journey").start_as_current_span(f"{name} {number}") as span:
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
            span.set_attribute("gen_ai.usage.input_tokens", 8)
            span.set_attribute("gen_ai.usage.output_tokens", 2)
    provider.shutdown()


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_spans_are_stored_and_priced(told: Stack, name: str) -> None:
    export_spans(name, 700, OTLPSpanExporter(compression=COMPRESSIONS[name]))
    sql = "SELECT count(), uniqExact(name), sum(input_tokens), countIf(cost_status = 'priced') FROM spans WHERE "
    sql += f"startsWith(name, '{name}')"
    eventually(lambda: told.query(sql) == [(700, 700, 5600, 700)], told=lambda: told.query(sql))
    ledger = eventually(lambda: (found := told.api("ledger"))["spooled"] == 0 and found)
    assert (ledger["dropped"], ledger["balanced"]) == ({}, True)


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_metrics_are_stored(told: Stack, name: str) -> None:
    exporter = OTLPMetricExporter(compression=COMPRESSIONS[name])
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=10**9)
    provider = MeterProvider([reader])
    provider.get_meter("journey").create_gauge(f"journey.{name}").set(41.5)
    assert provider.force_flush()
    provider.shutdown()
    sql = f"SELECT DISTINCT value FROM gpu_samples WHERE metric = 'journey.{name}'"
    eventually(lambda: told.query(sql) == [(41.5,)], told=lambda: told.query(sql))


def test_a_wrong_key_is_told_and_stores_nothing(told: Stack, caplog: pytest.LogCaptureFixture) -> None:
    wrong = {"authorization": "Bearer sm-sk-" + "x" * 43}
    export_spans("outside", 1, OTLPSpanExporter(headers=wrong))
    assert "StatusCode.UNAUTHENTICATED" in caplog.text
    export_spans("after", 1, OTLPSpanExporter())
    eventually(lambda: told.query("SELECT count() FROM spans WHERE name = 'after 0'") == [(1,)])
    assert told.query("SELECT count() FROM spans WHERE startsWith(name, 'outside')") == [(0,)]


def test_the_log_says_where_it_listens(stack: Stack) -> None:
    log = Path(stack.home / "logs" / "gateway.log")
    line = f"OTLP over gRPC is served on 127.0.0.1:{stack.ports['OTLP_GRPC']}"
    eventually(lambda: line in log.read_text(encoding="utf-8"), told=lambda: log.read_text(encoding="utf-8"))
