"""OpenTelemetry's own exporters over gRPC, unmodified: an endpoint and a key are all that they are told."""

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ingestion.envelope import Kind
from tests.proxy.harness import OTHER_PROJECT, OUTSIDER, PROJECT, SECRET, UNKNOWN

COMPRESSIONS = [None, grpc.Compression.Gzip, grpc.Compression.Deflate]


@pytest.fixture
def told(gateway, monkeypatch):
    """What the documentation says to set."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{gateway.grpc_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{SECRET}")
    return gateway


class Kept(SpanExporter):
    """Remembers finished spans."""

    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


def finished(count, size=1):
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    kept, provider = Kept(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    for number in range(count):
        tracer.start_span(f"span {number} " + "".join(chr(65 + (number * i) % 57) for i in range(size))).end()
    provider.shutdown()
    return kept.spans


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_spans(told, compression):
    exporter = OTLPSpanExporter(compression=compression)
    try:
        assert exporter.export(finished(5)) is SpanExportResult.SUCCESS
        assert exporter.export(finished(500, size=2000)) is SpanExportResult.SUCCESS  # more than a window
    finally:
        exporter.shutdown()
    small, large = told.envelopes()
    assert (small.kind, small.records, small.project_id) == (Kind.TRACES, 5, PROJECT)
    assert large.records == 500
    request = ExportTraceServiceRequest.FromString(large.otlp)
    assert len(request.resource_spans[0].scope_spans[0].spans) == 500
    assert b"OTel-OTLP-Exporter-Python" in dict(small.headers)[b"user-agent"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_metrics_and_logs(told, compression):
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(compression=compression), export_interval_millis=10**9)
    meters = MeterProvider([reader])
    meters.get_meter("test").create_counter("calls").add(3, {"model": "m"})
    assert meters.force_flush()
    meters.shutdown()
    logs = LoggerProvider()
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(compression=compression)))
    logs.get_logger("test").emit(body="hello")
    logs.shutdown()
    found = [(one.kind, one.records) for one in told.envelopes()]
    assert (Kind.METRICS, 1) in found
    assert (Kind.LOGS, 1) in found


def test_the_outsider_and_the_unknown(told, caplog):
    def export(key):
        exporter = OTLPSpanExporter(headers={"authorization": f"Bearer {key}"})
        try:
            return exporter.export(finished(1))
        finally:
            exporter.shutdown()

    assert export(OUTSIDER) is SpanExportResult.SUCCESS
    assert export(UNKNOWN) is SpanExportResult.FAILURE
    assert [one.project_id for one in told.envelopes()] == [OTHER_PROJECT]
    assert "StatusCode.UNAUTHENTICATED" in caplog.text
    assert "make a new one on the project's Keys page" in caplog.text


def test_a_channel_of_calls_at_once(told):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

    from tests.proxy.test_otlp import traces

    with grpc.insecure_channel(f"127.0.0.1:{told.grpc_port}") as channel:
        stub = TraceServiceStub(channel)
        metadata = (("authorization", f"Bearer {SECRET}"),)
        calls = [
            stub.Export.future(ExportTraceServiceRequest.FromString(traces(n)), metadata=metadata) for n in range(300)
        ]
        for call in calls:
            call.result(timeout=60)
    assert sorted(one.records for one in told.envelopes()) == list(range(300))
