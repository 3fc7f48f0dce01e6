"""The benchmark measures what it says: bodies differ, the client counts, generated spans hold together."""

import asyncio
import json
from decimal import Decimal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.first_byte import FirstByteClient
from bench.generate.statement import insert_spans, make_texts
from bench.generate.words import Writer
from bench.load import Request, _own
from bench.machine import machine_facts, machine_name
from bench.otlp_body import OtlpBodies
from bench.report import markdown
from bench.row import Row
from bench.stream_upstream import stream_upstream
from ingestion.store.client import Store
from tests.house.doc_upstream import doc_upstream


def test_no_two_bodies_are_the_same_and_each_can_be_read() -> None:
    """A resent body would be dropped as a duplicate, and the measurement would be of nothing."""
    bodies = OtlpBodies(spans=5, variants=2)
    made = [bodies.next() for _ in range(6)]
    assert len({body for body, _ in made}) == 6
    for body, trace_id in made:
        spans = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
        assert {span.trace_id.hex() for span in spans} == {trace_id}
        assert len({span.span_id for span in spans}) == 5


def test_spans_are_about_two_kilobytes() -> None:
    """As the budget says."""
    assert 1700 < OtlpBodies(spans=20).size / 20 < 2500


def test_the_own_client_counts_whole_answers() -> None:
    """It stands in where wrk is not installed."""
    with doc_upstream() as origin:
        request = Request(int(origin.rpartition(":")[2]), "/v1/chat/completions", "{}", {"X-Test": "1"})
        load = asyncio.run(_own(request, connections=2, seconds=0.1))
    assert load.requests > 0
    assert load.refused == 0
    assert 0 < load.p50_us <= load.p99_us


def test_the_first_byte_is_timed_before_the_last() -> None:
    """The upstream pauses before the first event and again before the rest."""
    with stream_upstream() as port:
        client = FirstByteClient(Request(port, "/v1/chat/completions", "{}", {}))
        assert [client.ask() > 0.004 for _ in range(3)] == [True] * 3
        client.close()


def test_generated_spans_are_plausible(store: Store) -> None:
    """Trees hang together, unknown prices are no prices, and inputs are messages."""
    project = 987_654
    write = Writer(seed=1)
    store.writer.execute(make_texts)
    rows = ", ".join(f"({number}, '{write.text(8).replace(chr(39), '')}')" for number in range(100))
    store.writer.execute(f"INSERT INTO bench_texts (id, text) SELECT * FROM VALUES ('id UInt32, text String', {rows})")
    values = {"offset": 0, "traces": 300, "project": project, "days": 3, "total": 300, "end": "2026-11-20 12:00:00"}
    store.writer.execute(insert_spans(), values)
    store.writer.execute("DROP TABLE bench_texts")
    where = f"WHERE project_id = {project}"
    spans, traces, orphans, unpriced = store.writer.rows(
        f"SELECT count(), uniqExact(trace_id), countIf(parent_span_id != '' AND (trace_id, parent_span_id) NOT IN "
        f"(SELECT trace_id, span_id FROM spans {where})), countIf(cost_status = 'unpriced' AND cost IS NOT NULL) "
        f"FROM spans {where}"
    )[0]
    assert traces == 300
    assert spans > traces
    assert (orphans, unpriced) == (0, 0)
    ((text, cost),) = store.writer.rows(
        f"SELECT input, cost_usd FROM spans {where} AND kind = 'llm' AND cost_status = 'priced' LIMIT 1"
    )
    assert json.loads(text)[0]["role"] == "system"
    assert isinstance(cost, Decimal)


def test_the_table_says_what_was_measured_and_where() -> None:
    """With the raw numbers beside the ratio."""
    facts = machine_facts()
    text = markdown([Row("a row", ">= 1", "2", "met", {"raw": 2})], facts)
    assert "| a row | >= 1 | 2 | met |" in text
    assert "raw 2" in text
    assert facts["processor"] in text
    assert "cores" in machine_name(facts)
