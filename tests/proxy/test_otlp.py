"""The OTLP door: what is taken, what is refused, and that a 200 means a record in a file."""

import gzip
import json
import random
import tracemalloc
import urllib.error
import urllib.request
import zlib

import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ingestion.envelope import Kind
from proxy.inflate import BodyTooLarge, NotDecompressible, inflate
from proxy.otlp_count import Malformed, count_json, count_protobuf
from tests.proxy.harness import OTHER_PROJECT, OUTSIDER, PROJECT, SECRET, UNKNOWN

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {SECRET}"}


def traces(count, *, scopes=1):
    request = ExportTraceServiceRequest()
    for resource in range(2):
        added = request.resource_spans.add()
        added.schema_url = "https://x"
        for scope in range(scopes):
            spans = added.scope_spans.add()
            for number in range(count if resource == scope == 0 else 0):
                spans.spans.add(name=f"span {number}", trace_id=bytes(16), span_id=bytes(8))
    return request.SerializeToString()


def send(gateway, body, headers, path="/v1/traces", method="POST"):
    """Send a request; returns (status, headers, body)."""
    request = urllib.request.Request(gateway.url + path, body, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_protobuf_traces_are_in_the_spool_byte_for_byte(gateway):
    body = traces(3)
    headers = PROTOBUF | BEARER | {"User-Agent": "otel/1", "Spanmeter-X": "1", "Cookie": "no"}
    status, reply, content = send(gateway, body, headers)
    assert (status, content, reply["content-type"]) == (200, b"", "application/x-protobuf")
    ExportTraceServiceResponse.FromString(content)
    (envelope,) = gateway.envelopes()
    assert envelope.kind is Kind.TRACES
    assert envelope.otlp == body
    assert (envelope.records, envelope.project_id, len(envelope.id)) == (3, PROJECT, 16)
    assert dict(envelope.headers) == {b"user-agent": b"otel/1", b"spanmeter-x": b"1"}


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("GZIP", gzip.compress),
        ("zstd", zstandard.compress),
        ("zstd", lambda body: zstandard.compress(body[:40]) + zstandard.compress(body[40:])),
        ("identity", bytes),
    ],
)
def test_compressed_bodies_are_spooled_decompressed_with_the_same_hash(gateway, encoding, compress):
    body = traces(50)
    send(gateway, body, PROTOBUF | BEARER)
    status, _, _ = send(gateway, compress(body), PROTOBUF | BEARER | {"Content-Encoding": encoding})
    assert status == 200
    plain, compressed = gateway.envelopes()
    assert compressed.otlp == plain.otlp == body
    assert compressed.body_hash == plain.body_hash
    assert len(plain.body_hash) == 16


@pytest.mark.parametrize(
    ("path", "body", "kind", "records"),
    [
        ("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}, {"spans": [{}]}]}]}, Kind.TRACES, 3),
        ("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}, Kind.LOGS, 1),
        (
            "/v1/metrics",
            {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [{}, {}]}}]}]}]},
            Kind.METRICS,
            2,
        ),
        ("/api/public/otel/v1/traces", {"resourceSpans": []}, Kind.TRACES, 0),
        ("/v1/traces", {}, Kind.TRACES, 0),
    ],
)
def test_json(gateway, path, body, kind, records):
    raw = json.dumps(body).encode()
    status, reply, content = send(gateway, raw, JSON | BEARER, path)
    assert (status, content, reply["content-type"]) == (200, b"{}", "application/json")
    (envelope,) = gateway.envelopes()
    assert (envelope.kind, envelope.records, envelope.payload) == (kind, records, raw)
    assert envelope.content_type == "application/json"
    assert envelope.otlp == b""


def test_logs_and_metrics_in_protobuf(gateway):
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add()
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add()
    assert send(gateway, logs.SerializeToString(), PROTOBUF | BEARER, "/v1/logs")[0] == 200
    assert send(gateway, metrics.SerializeToString(), PROTOBUF | BEARER, "/v1/metrics")[0] == 200
    assert [(one.kind, one.records, bool(one.payload)) for one in gateway.envelopes()] == [
        (Kind.LOGS, 1, True),
        (Kind.METRICS, 1, True),
    ]


def test_the_outsider_and_the_unknown(gateway):
    body = traces(1)
    assert send(gateway, body, PROTOBUF | {"Authorization": f"Bearer {OUTSIDER}"})[0] == 200
    assert [one.project_id for one in gateway.envelopes()] == [OTHER_PROJECT]
    for headers in ({"Authorization": f"Bearer {UNKNOWN}"}, {}, {"Authorization": "Basic %%%"}):
        status, reply, content = send(gateway, body, PROTOBUF | headers)
        assert status == 401
        assert reply["spanmeter-error"]
        assert content.startswith(b"\x08\x10\x12"), "google.rpc.Status UNAUTHENTICATED"
    assert len(gateway.envelopes()) == 1


BOMB = gzip.compress(bytes(300_000_000), compresslevel=9)
ZSTD_BOMB = zstandard.compress(bytes(300_000_000), 19)
WIDE = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compressobj()
ZSTD_WIDE = WIDE.compress(traces(9)) + WIDE.flush()  # to be decoded it asks for 128 MiB of memory


@pytest.mark.parametrize(
    ("body", "headers", "path", "status", "said"),
    [
        (b"\xff\xff", PROTOBUF, "/v1/traces", 400, "protobuf"),
        (traces(3)[:-1], PROTOBUF, "/v1/traces", 400, "bytes"),
        (b"{}", PROTOBUF, "/v1/traces", 400, "protobuf"),
        (b"{", JSON, "/v1/traces", 400, "not JSON"),
        (b"[]", JSON, "/v1/traces", 400, "object"),
        (b'{"resourceSpans": {}}', JSON, "/v1/traces", 400, "resourceSpans must be a list"),
        (b'{"resourceSpans": [1]}', JSON, "/v1/traces", 400, "object"),
        (b'{"a": "\xff"}', JSON, "/v1/traces", 400, "not JSON"),
        (b"x", {"Content-Type": "text/plain"}, "/v1/traces", 415, "text/plain"),
        (b"x", PROTOBUF | {"Content-Encoding": "br"}, "/v1/traces", 415, "'br'"),
        (b"not gzip", PROTOBUF | {"Content-Encoding": "gzip"}, "/v1/traces", 400, "not gzip"),
        (gzip.compress(traces(9), mtime=0)[:-9], PROTOBUF | {"Content-Encoding": "gzip"}, "/v1/traces", 400, "cut off"),
        (BOMB, PROTOBUF | {"Content-Encoding": "gzip"}, "/v1/traces", 413, "SPANMETER_MAX_DECOMPRESS"),
        (b"not zstd", PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 400, "not zstd"),
        (b"\x28\xb5\x2f\xfd", PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 400, "cut off"),
        (zstandard.compress(traces(9))[:-9], PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 400, "cut off"),
        (zstandard.compress(b"x") + b"garbage", PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 400, "not zstd"),
        (ZSTD_WIDE, PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 400, "memory"),
        (ZSTD_BOMB, PROTOBUF | {"Content-Encoding": "zstd"}, "/v1/traces", 413, "SPANMETER_MAX_DECOMPRESS"),
        (bytes(3_000_000), PROTOBUF, "/v1/traces", 413, "SPANMETER_MAX_OTLP_BYTES"),
    ],
)  # fmt: skip
def test_bad_bodies(make_gateway, body, headers, path, status, said):
    gateway = make_gateway(SPANMETER_MAX_OTLP_BYTES="2000000")
    try:
        found, reply, content = send(gateway, body, headers | BEARER, path)
    except urllib.error.URLError as error:  # the answer to a body that is not read can be cut off by the system
        pytest.fail(f"no answer: {error}")
    assert found == status
    assert said in content.decode("utf-8", "replace")
    assert reply["spanmeter-error"]
    assert gateway.envelopes() == []


def test_only_post(gateway):
    assert send(gateway, None, BEARER, method="GET")[0] == 405


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(make_gateway, connect):
    gateway = make_gateway(SPANMETER_MAX_OTLP_BYTES="2000")
    client = connect(gateway)
    client.send(
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + SECRET.encode() + b"\r\n\r\nbb8\r\n" + bytes(3000) + b"\r\n"
    )
    assert client.answer()[0].startswith(b"HTTP/1.1 413 ")


class TestPure:
    def test_counts_agree_with_protobuf(self):
        for count in (0, 1, 7, 500):
            assert count_protobuf(traces(count, scopes=3)) == count

    def test_every_cut_is_malformed_or_a_whole_request(self):
        whole = traces(4)
        for cut in range(len(whole)):
            try:
                counted = count_protobuf(whole[:cut])
            except Malformed:
                continue
            request = ExportTraceServiceRequest.FromString(whole[:cut])
            assert counted == sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)

    def test_unknown_fields_are_skipped(self):
        extra = b"\x78\x01" + b"\x7d" + bytes(4) + b"\x79" + bytes(8) + b"\x7a\x01x"
        assert count_protobuf(extra + traces(2) + extra) == 2

    @pytest.mark.parametrize(
        "raw", [b"\x0b", b"\x08\x01", b"\x00\x01", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
    )
    def test_framing_that_no_request_has(self, raw):
        with pytest.raises(Malformed):
            count_protobuf(raw)

    def test_json_null_lists_are_empty(self):
        assert count_json(b'{"resourceSpans": null}', "traces") == 0

    @pytest.mark.parametrize(("encoding", "bomb"), [("gzip", BOMB), ("zstd", ZSTD_BOMB)])
    def test_a_bomb_is_stopped_early(self, encoding, bomb):
        with pytest.raises(BodyTooLarge, match="RATIO"):
            inflate(bomb, encoding=encoding, most=10**9, ratio=100)
        tracemalloc.start()
        try:
            with pytest.raises(BodyTooLarge, match="BYTES"):
                inflate(bomb, encoding=encoding, most=10**6, ratio=100)
            assert tracemalloc.get_traced_memory()[1] < 16_000_000, "it was made in full before it was refused"
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
    def test_small_bodies_may_compress_well(self, encoding, compress):
        assert inflate(compress(bytes(900_000)), encoding=encoding, most=10**7, ratio=100) == bytes(900_000)

    @pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
    def test_very_many_members_cost_no_more_than_their_length(self, encoding, compress):
        body = compress(b"") * 1000 + compress(b"ab") * 1000
        assert inflate(body, encoding=encoding, most=10**7, ratio=100) == b"ab" * 1000
        beyond = compress(b"") * 300_000  # were the rest copied for each of them, this would copy a terabyte
        assert inflate(beyond, encoding=encoding, most=10**7, ratio=100) == b""

    @pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4095, 4096, 4097, 300_000])
    @pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
    def test_every_size(self, encoding, compress, size):
        body = random.Random(size).randbytes(size)
        assert inflate(compress(body), encoding=encoding, most=10**7, ratio=100) == body
        for cut in (1, size // 2 + 1):
            with pytest.raises(NotDecompressible):
                inflate(compress(body)[:-cut], encoding=encoding, most=10**7, ratio=100)

    def test_garbage_behind_a_member(self):
        with pytest.raises(NotDecompressible):
            inflate(gzip.compress(b"x") + b"garbage", encoding="gzip", most=10**7, ratio=100)
