"""What the gRPC door takes and refuses: the same records as over HTTP, and each error with its code and a way out."""

import gzip
import sqlite3
import threading
import zlib
from base64 import b64encode
from contextlib import closing

import pytest
import zstandard
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from proxy.grpc.frames import framed
from tests.proxy.grpc.client import LOGS, METRICS, TRACES
from tests.proxy.grpc.test_connection import requests
from tests.proxy.harness import (
    EXPIRED,
    OTHER_PROJECT,
    OUTSIDER,
    PROJECT,
    PUBLIC,
    REVOKED,
    SECRET,
    UNKNOWN,
    RawClient,
    add_key,
    make_database,
)
from tests.proxy.test_otlp import BEARER, BOMB, PROTOBUF, send, traces

BODY = traces(3)
HEALTH = "/grpc.health.v1.Health/Check"


def logs():
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    return request.SerializeToString()


def metrics():
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add()
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("path", "http_path", "body"),
    [(TRACES, "/v1/traces", BODY), (METRICS, "/v1/metrics", metrics()), (LOGS, "/v1/logs", logs())],
)
def test_the_record_is_the_one_that_http_writes(gateway, dial, path, http_path, body):
    kept = {"user-agent": "otel/1", "spanmeter-x": "1", "x-langfuse-y": "2"}
    send(gateway, body, PROTOBUF | BEARER | kept | {"Cookie": "no"}, http_path)
    answer = dial(gateway).call(body, path, headers=[*kept.items(), ("cookie", "no"), ("grpc-timeout", "10S")])
    assert (answer.status, answer.body) == (0, bytes(5))
    ExportTraceServiceResponse.FromString(answer.body[5:])
    over_http, over_grpc = gateway.envelopes()

    def told(one):
        return (
            *(one.kind, one.records, one.project_id, one.key_id, one.body_hash, one.otlp, one.payload),
            *(one.content_type, sorted(one.headers)),
        )

    assert told(over_grpc) == told(over_http)
    assert (over_grpc.project_id, over_grpc.otlp or over_grpc.payload) == (PROJECT, body)
    assert dict(over_grpc.headers) == {name.encode(): value.encode() for name, value in kept.items()}
    signal = http_path.rpartition("/")[2]
    assert requests(gateway) == {(signal, 200): 2}
    page = RawClient(gateway.port)
    page.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    text = page.answer()[1].decode()
    page.close()
    assert f'spanmeter_gateway_requests_total{{route="{signal}",status="200"}} 2' in text
    assert f'spanmeter_gateway_records_total{{signal="{signal}"}} {2 * over_http.records}' in text


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", f"Bearer {SECRET}")],
        [("authorization", f"bearer {SECRET}")],
        [("authorization", SECRET)],
        [("authorization", "Basic " + b64encode(f"{PUBLIC}:{SECRET}".encode()).decode())],
        [("spanmeter-auth", f"Bearer {SECRET}")],
        [("helicone-auth", f"Bearer {SECRET}")],
        [("spanmeter-auth", f"Bearer {SECRET}"), ("authorization", "Bearer of-somebody-else")],
    ],
)
def test_the_forms_of_a_key(gateway, dial, headers):
    assert dial(gateway).call(BODY, key=None, headers=headers).status == 0
    assert [one.project_id for one in gateway.envelopes()] == [PROJECT]
    assert all(SECRET.encode() not in path.read_bytes() for path in (gateway.home / "spool").rglob("*.seg"))


def test_the_outsiders_key_writes_to_the_outsiders_project_alone(gateway, dial):
    client = dial(gateway)
    assert client.call(BODY, key=OUTSIDER).status == 0
    assert client.call(BODY).status == 0
    assert [one.project_id for one in gateway.envelopes()] == [OTHER_PROJECT, PROJECT]


@pytest.mark.parametrize("secret", [UNKNOWN, REVOKED, EXPIRED, "x", ""])
def test_bad_keys_get_nowhere(gateway, dial, secret):
    client = dial(gateway)
    answer = client.call(BODY, key=secret)
    assert answer.status == 16
    assert ("No Spanmeter key" if not secret else "unknown, revoked or expired") in answer.message
    assert b"google.rpc.retryinfo-bin" not in answer.head
    basic = b64encode(f"sm-pk-wrong:{SECRET}".encode()).decode()
    assert client.call(BODY, headers=[("authorization", f"Basic {basic}")]).status == 16
    assert client.call(BODY, headers=[("authorization", "Basic %%%")]).status == 16
    assert gateway.envelopes() == []
    assert client.call(BODY).status == 0, "the connection serves the next one"


def test_a_key_works_as_soon_as_it_is_made_and_not_after_it_is_revoked(gateway, dial):
    client = dial(gateway)
    assert client.call(BODY, key=UNKNOWN).status == 16
    add_key(gateway.home, UNKNOWN, project=99)
    assert client.call(BODY, key=UNKNOWN).status == 0
    with closing(sqlite3.connect(gateway.home / "app.sqlite3")) as database, database:
        database.execute("UPDATE accounts_apikey SET revoked_at = '2026-01-01 00:00:00' WHERE project_id = 99")
    while client.call(BODY, key=UNKNOWN).status == 0:  # until the keys are read again
        threading.Event().wait(0.1)
    assert client.call(BODY, key=UNKNOWN).status == 16
    assert {one.project_id for one in gateway.envelopes()} == {99}


def test_keys_that_cannot_be_checked(make_gateway, dial, home):
    (home / "app.sqlite3").unlink()
    gateway = make_gateway(grpc=True)
    client = dial(gateway)
    answer = client.call(BODY)
    assert answer.status == 14
    assert "SPANMETER_DATABASE_URL" in answer.message
    assert RetryInfo.FromString(answer.binary(b"google.rpc.retryinfo-bin")).retry_delay.seconds == 2
    assert client.call(path=HEALTH, key=None).body == framed(b"\x08\x02"), "NOT_SERVING"
    make_database(home)
    assert client.call(BODY).status == 0
    assert client.call(path=HEALTH, key=None).body == framed(b"\x08\x01"), "SERVING"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
        ("deflate", zlib.compress),
        ("zstd", zstandard.compress),
    ],
)
@pytest.mark.parametrize("size", [3, 30_000])
def test_compressed_messages_are_spooled_decompressed(gateway, dial, encoding, compress, size):
    client = dial(gateway)
    body = traces(size)
    stream = client.begin(headers=[("grpc-encoding", encoding)])
    client.body(stream, b"\1" + framed(compress(body))[1:])
    assert client.wait(stream).status == 0
    assert client.call(body, headers=[("grpc-encoding", encoding)]).status == 0, "a message may stay as it is"
    first, second = gateway.envelopes()
    assert first.otlp == second.otlp == body
    assert first.body_hash == second.body_hash


def packed(body):
    return b"\1" + framed(gzip.compress(body, mtime=0))[1:]


@pytest.mark.parametrize(
    ("sent", "headers", "path", "status", "said"),
    [
        (framed(b"\xff\xff"), [], TRACES, 3, "no OTLP traces request in protobuf"),
        (framed(BODY[:-1]), [], TRACES, 3, "bytes"),
        (framed(BODY)[:-1], [], TRACES, 3, "cut off"),
        (framed(BODY) + b"x", [], TRACES, 3, "a call has one message"),
        (b"", [], TRACES, 3, "without a message"),
        (b"\2" + framed(BODY)[1:], [], TRACES, 3, "found 2"),
        (b"\1" + framed(b"not gzip")[1:], [("grpc-encoding", "gzip")], TRACES, 3, "not gzip"),
        (packed(BODY)[:-9], [("grpc-encoding", "gzip")], TRACES, 3, "cut off"),
        (b"\1" + framed(BOMB)[1:], [("grpc-encoding", "gzip")], TRACES, 8, "SPANMETER_MAX_DECOMPRESS"),
        (framed(bytes(3_000_000)), [], TRACES, 8, "SPANMETER_MAX_OTLP_BYTES (2000000)"),
        (b"\0\xff\xff\xff\xff", [], TRACES, 8, "4294967295 bytes"),
        (framed(BODY), [("grpc-encoding", "snappy")], TRACES, 12, "'snappy' are not read here: send identity, gzip"),
        (framed(BODY), [], "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", 12, "ProfilesService"),
        (framed(BODY), [], TRACES.lower(), 12, "TraceService"),
    ],
)  # fmt: skip
def test_bad_calls(make_gateway, dial, sent, headers, path, status, said):
    client = dial(make_gateway(grpc=True, SPANMETER_MAX_OTLP_BYTES="2000000"))
    stream = client.begin(path, headers=headers)
    client.body(stream, sent)
    answer = client.wait(stream)
    assert answer.status == status
    assert said in answer.message
    assert answer.head[b"spanmeter-error"]
    assert answer.head[b":status"] == b"200"
    assert client.call(BODY).status == 0, "the connection serves the next one"


def test_a_call_of_no_bytes_at_all(gateway, dial):
    client = dial(gateway)
    answer = client.wait(client.begin(end=True))
    assert (answer.status, "without a message" in answer.message) == (3, True)


def test_a_full_spool_says_when_to_try_again(make_gateway, dial):
    gateway = make_gateway(grpc=True, SPANMETER_SPOOL_BYTES="1048576", SPANMETER_SEGMENT_BYTES="262144")
    client = dial(gateway)
    taken = 0
    while (answer := client.call(traces(2000))).status == 0:
        taken += 1
    assert taken
    assert answer.status == 14
    assert "SPANMETER_SPOOL_BYTES" in answer.message
    status = Status.FromString(answer.binary(b"grpc-status-details-bin"))
    info = RetryInfo()
    assert status.code == 14
    assert status.details[0].Unpack(info)
    assert info.retry_delay.seconds == 2
    assert len(gateway.envelopes()) == taken
