"""Logs bodies through ingest: each score once, whatever is killed, resent, wrong or refused; other logs are told."""

import json
import time

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from ingestion.envelope import Envelope, Kind
from ingestion.scores import event
from tests.ingestion.world import STEPS, Interrupt, World, interrupting, traces

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def logs(*ids: str, value: float = 0.5, others: int = 0, wrong: int = 0) -> LogsData:
    """Scores with these ids, so many other log records, and so many scores without a name."""
    data = LogsData()
    scope = data.resource_logs.add().scope_logs.add()
    for score_id in ids:
        record = scope.log_records.add(
            event_name=event.EVENT,
            trace_id=bytes.fromhex(TRACE),
            span_id=bytes.fromhex(SPAN),
            time_unix_nano=time.time_ns(),
        )
        record.attributes.add(key=event.NAME).value.string_value = "helpful"
        record.attributes.add(key=event.VALUE).value.double_value = value
        record.attributes.add(key=event.PREFIX + "id").value.string_value = score_id
    for _ in range(others):
        scope.log_records.add(severity_text="INFO").body.string_value = "started"
    for _ in range(wrong):
        record = scope.log_records.add(event_name=event.EVENT, trace_id=bytes.fromhex(TRACE))
        record.attributes.add(key=event.VALUE).value.double_value = 1
    return data


def hex_ids(data: LogsData) -> bytes:
    """The message as OTLP's JSON: ids are hex."""
    message = MessageToDict(data)
    for record in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        if "traceId" in record:
            record |= {"traceId": TRACE, "spanId": SPAN}
    return json.dumps(message).encode()


def envelope(world: World, data: LogsData, *, as_json: bool = False) -> Envelope:
    body = hex_ids(data) if as_json else data.SerializeToString()
    return world.export(Kind.LOGS, body, as_json=as_json)


def fill(world: World) -> None:
    """Protobuf, JSON, the same once more, a correction, garbage, other logs, and spans beside them."""
    gateway = world.gateway()
    first = envelope(world, logs("a", "b", others=3, wrong=2))
    garbage = world.body(b"", records=3, kind=Kind.LOGS, payload=b"\xff\xff")
    world.put(gateway, first, world.body(traces(2), records=2), envelope(world, logs("c"), as_json=True))
    world.put(gateway, first, garbage, envelope(world, logs("a", value=0.75)))
    gateway.close()


@pytest.mark.parametrize("at", STEPS)
def test_a_kill_between_any_two_effects_changes_nothing(world: World, at: str) -> None:
    fill(world)
    try:
        world.ingest(step=interrupting(at)).drain()
    except Interrupt:
        world.ingest().drain()
    found = world.rows(
        "SELECT id, groupArray(value) FROM (SELECT * FROM scores WHERE project_id = %(project)s ORDER BY updated_at) "
        "GROUP BY id ORDER BY id"
    )
    assert found == [("a", [0.5, 0.75]), ("b", [0.5]), ("c", [0.5])]
    assert world.drops() == {
        "unsupported_signal": 3, "malformed_score": 2, "duplicate": 7, "malformed_body": 3,
    }  # fmt: skip
    world.assert_settled(written=4 + 2, dropped=15)


def test_merging_takes_no_version_away(world: World) -> None:
    """The ledger counts rows, so a correction must not make one vanish."""
    gateway = world.gateway()
    for number in range(3):
        world.put(gateway, envelope(world, logs("same", value=number)))
        world.ingest().drain()
    gateway.close()
    world.store.writer.command("OPTIMIZE TABLE scores FINAL")
    assert world.rows("SELECT count() FROM scores WHERE project_id = %(project)s") == [(3,)]


def test_a_secret_in_a_comment_is_masked(world: World) -> None:
    data = logs("a")
    record = data.resource_logs[0].scope_logs[0].log_records[0]
    record.attributes.add(
        key=event.EXPLANATION
    ).value.string_value = "used sk-proj-abcdefghijklmnopqrstuvwxyz0123456789AB"
    gateway = world.gateway()
    world.put(gateway, envelope(world, data))
    gateway.close()
    world.ingest().drain()
    (comment,) = world.rows("SELECT comment FROM scores WHERE project_id = %(project)s")[0]
    assert comment.startswith("used ")
    assert "abcdefghijklmnop" not in comment
