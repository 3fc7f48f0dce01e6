"""What opentelemetry-sdk and its OTLP/HTTP exporter put on the wire, byte for byte."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from tests.ingestion.world import World


@pytest.fixture
def received() -> Iterator[tuple[str, list[bytes]]]:
    """An address that takes bodies, and the bodies."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_agent_and_its_call(world: World, received: tuple[str, list[bytes]]) -> None:
    endpoint, bodies = received
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    tracer = provider.get_tracer("my.agent", "2.1")
    with tracer.start_as_current_span("invoke_agent planner") as agent:
        agent.set_attribute("gen_ai.operation.name", "invoke_agent")
        agent.set_attribute("gen_ai.agent.name", "planner")
        with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT) as call:
            call.set_attribute("gen_ai.operation.name", "chat")
            call.set_attribute("gen_ai.provider.name", "openai")
            call.set_attribute("gen_ai.request.model", "gpt-4o")
            call.set_attribute("gen_ai.request.stop_sequences", ["END"])
            call.set_attribute("gen_ai.usage.input_tokens", 12)
            call.set_attribute("gen_ai.usage.output_tokens", 3)
            call.set_status(Status(StatusCode.OK))
        with pytest.raises(KeyError), tracer.start_as_current_span("execute_tool lookup"):
            raise KeyError("nothing there")
    provider.shutdown()
    gateway = world.gateway()
    world.put(gateway, *(world.body(sent, records=1) for sent in bodies))
    world.ingest().drain()
    rows = world.rows(
        "SELECT name, kind, status, error_type, service, agent_name, cost_status, model_parameters, "
        "attributes['otel.scope.name'], parent_span_id = '' FROM spans WHERE project_id = %(project)s ORDER BY name"
    )
    assert rows == [
        ("chat gpt-4o", "llm", "ok", "", "shop", "", "priced", '{"stop_sequences":["END"]}', "my.agent", False),
        ("execute_tool lookup", "span", "error", "KeyError", "shop", "", "not_billable", "", "my.agent", False),
        ("invoke_agent planner", "agent", "unset", "", "shop", "planner", "not_billable", "", "my.agent", True),
    ]
    assert world.rows("SELECT uniq(trace_id) FROM spans WHERE project_id = %(project)s") == [(1,)]
    world.assert_balanced()
