"""Bodies that nobody should send: each span that can be read is a row, the rest says why it is not, nothing stops."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from ingestion.envelope import Envelope, Kind
from ingestion.price import price
from tests.ingestion.otlp.sent import body, span
from tests.ingestion.world import BOOK, RATES, World, identity, traces


def send(world: World, payload: bytes, *, records: int = 1) -> None:
    gateway = world.gateway()
    world.put(gateway, world.body(b"", records=records, payload=payload))
    world.ingest().drain()
    world.assert_balanced()


def test_ten_thousand_attributes(world: World) -> None:
    many = {f"key.{number}": number for number in range(10_000)} | {"user.id": "u-9"}
    send(world, body(span(attributes=many)))
    rows = world.rows(
        "SELECT user_id, length(attributes), attributes['spanmeter.attributes_dropped'] FROM spans "
        "WHERE project_id = %(project)s"
    )
    user_id, kept, dropped = rows[0]
    assert (user_id, int(dropped)) == ("u-9", 10_000 - 512)
    assert kept < 520


def test_ids_of_a_wrong_length_cost_their_span_alone(world: World) -> None:
    spans = [
        span(name="good"),
        span(traceId="abcd"),
        span(spanId="0" * 16),
        span(traceId="0" * 32),
        span(spanId="not hex!"),
        span(spanId=""),
    ]
    send(world, body(*spans), records=6)
    assert world.spans() == [("otlp", "unset", 1)]
    assert world.drops() == {"malformed_span": 5}
    detail = world.rows("SELECT detail FROM drops WHERE project_id = %(project)s")[0][0]
    assert "trace id ABCD" in detail


def test_clocks_of_1970_and_of_the_future(world: World) -> None:
    now = time.time_ns()
    year = 365 * 86_400 * 1_000_000_000
    send(
        world,
        body(
            span(name="epoch", startTimeUnixNano="0", endTimeUnixNano="5000000"),
            span(name="future", startTimeUnixNano=str(now + year), endTimeUnixNano=str(now + year + 3_000_000)),
            span(name="backwards", startTimeUnixNano=str(now), endTimeUnixNano=str(now - 1_000_000)),
            span(name="endless", startTimeUnixNano=str(2**64 - 1), endTimeUnixNano="0"),
            span(name="fine"),
        ),
        records=5,
    )
    rows = world.rows("SELECT name, end_time, duration_us, clock_adjusted FROM spans WHERE project_id = %(project)s")
    found = {name: (duration, adjusted) for name, _, duration, adjusted in rows}
    assert found["epoch"] == (5000, True)
    assert found["future"] == (3000, True)
    assert found["backwards"] == (0, True)
    assert found["endless"] == (0, True)
    assert found["fine"] == (1_000_000, False)
    assert all(abs(end - datetime.now(UTC)) < timedelta(minutes=5) for _, end, _, _ in rows)


def test_text_that_is_no_utf8_survives(world: World) -> None:
    otlp = traces(1, **dict[str, Any]({"user.id": "XXXX", "note": "fine"})).replace(b"XXXX", b"a\xff\xfeb")
    gateway = world.gateway()
    world.put(gateway, world.body(otlp, records=1))
    world.ingest().drain()
    assert world.rows("SELECT user_id FROM spans WHERE project_id = %(project)s") == [("a�b",)] or world.rows(
        "SELECT user_id FROM spans WHERE project_id = %(project)s"
    ) == [("a��b",)]


def test_nothing_is_not_zero(world: World) -> None:
    values = {"zero": 0, "no": False, "empty": "", "half": 0.5, "list": [1, "two", True, 0.5], "map": {"a": [1]}}
    send(world, body(span(attributes=values, name="")))
    name, found = world.rows("SELECT name, attributes FROM spans WHERE project_id = %(project)s")[0]
    assert name == ""
    assert {key: found[key] for key in values} == {
        "zero": "0",
        "no": "false",
        "empty": "",
        "half": "0.5",
        "list": '[1,"two",true,0.5]',
        "map": '{"a":[1]}',
    }


def test_very_large_values_are_cut_and_say_so(world: World) -> None:
    send(world, body(span(attributes={"large": "x" * 100_000, "gen_ai.input.messages": "y" * 100_000})))
    large, said = world.rows("SELECT attributes['large'], input FROM spans WHERE project_id = %(project)s")[0]
    assert large.endswith("cut from 100000 bytes")
    assert len(large) < 33_000
    assert said == "y" * 100_000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[1, 2]",
        b'{"resourceSpans": 7}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": {}}]}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"key": 1}]}]}]}]}',
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": None, "traceId": 5}]}]}]}).encode(),
    ],
)
def test_json_that_is_no_otlp_is_a_drop(world: World, payload: bytes) -> None:
    gateway = world.gateway()
    good = world.body(traces(2), records=2)
    world.put(gateway, world.body(b"", records=3, payload=payload or b" "), good)
    world.ingest().drain()
    assert world.spans() == [("otlp", "unset", 2)]
    assert world.drops() == {"malformed_body": 3}
    world.assert_balanced()


def test_truncated_protobuf_is_a_drop_and_its_neighbours_are_not(world: World) -> None:
    whole = traces(3)
    gateway = world.gateway()
    cuts = [whole[:size] for size in (1, 7, len(whole) // 2, len(whole) - 1)]
    world.put(gateway, world.body(traces(1, seed=5), records=1))
    world.put(gateway, *(world.body(cut, records=3) for cut in cuts))
    world.put(gateway, world.body(traces(1, seed=6), records=1))
    world.ingest().drain()
    assert world.spans() == [("otlp", "unset", 2)]
    assert world.drops() == {"malformed_body": 12}
    world.assert_balanced()


def test_a_body_without_spans_is_nothing(world: World) -> None:
    send(world, b'{"resourceSpans": []}', records=0)
    assert world.balance() == (0, 0, 0, 0)


def test_a_frame_without_a_project_is_told(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, Envelope(kind=Kind.TRACES, received_ns=1, records=2, otlp=traces(2), id=identity()))
    world.ingest().drain()
    assert world.rows("SELECT count() FROM spans WHERE project_id = 0") == [(0,)]


def test_an_exception_event_says_what_went_wrong(world: World) -> None:
    told = {"exception.type": "TimeoutError", "exception.message": "too slow"}
    send(world, body(span(status={"code": 2}, events=[{"name": "exception", "attributes": told}])))
    rows = world.rows("SELECT status, error_type, error_message, events FROM spans WHERE project_id = %(project)s")
    status, kind, message, events = rows[0]
    assert (status, kind, message) == ("error", "TimeoutError", "too slow")
    assert json.loads(events)[0]["attributes"] == told


def test_a_resource_speaks_for_its_spans(world: World) -> None:
    resource = {"service.name": "shop", "service.version": "7", "deployment.environment.name": "prod", "host.name": "h"}
    send(world, body(span(), resource=resource))
    assert world.rows(
        "SELECT service, release, environment, attributes['resource.host.name'] FROM spans WHERE project_id = "
        "%(project)s"
    ) == [("shop", "7", "prod", "h")]


def test_links_tags_and_properties(world: World) -> None:
    link = {"traceId": "ab" * 16, "spanId": "cd" * 8}
    attributes = {"spanmeter.tags": ["a", "b"], "spanmeter.property.team": "red"}
    send(world, body(span(attributes=attributes, links=[link])))
    tags, properties, links = world.rows(
        "SELECT tags, properties, attributes['spanmeter.links'] FROM spans WHERE project_id = %(project)s"
    )[0]
    assert (tags, properties) == (["a", "b"], {"team": "red"})
    assert json.loads(links) == [{"trace_id": "ab" * 16, "span_id": "cd" * 8}]


def test_costs_are_those_of_the_price_rule_to_the_last_digit(world: World) -> None:
    models = ["gpt-4o", "gpt-4o-mini", "o1", "claude-3-5-sonnet-20241022", "gemini-1.5-pro", "deepseek-chat", "no-such"]
    data = TracesData()
    into = data.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    for number in range(140):
        one = into.spans.add(trace_id=number.to_bytes(16, "big"), start_time_unix_nano=now, end_time_unix_nano=now)
        one.trace_id, one.span_id = (number + 1).to_bytes(16, "big"), (number + 1).to_bytes(8, "big")
        for key, value in {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": models[number % len(models)],
            "gen_ai.provider.name": ["openai", "openai", "openai", "anthropic", "google", "deepseek", "openai"][
                number % 7
            ],
        }.items():
            one.attributes.add(key=key).value.string_value = value
        for key, amount in {
            "gen_ai.usage.input_tokens": number * 7919 % 300_001,
            "gen_ai.usage.output_tokens": number * 31 % 977,
            "gen_ai.usage.cache_read.input_tokens": number * 13 % 101,
        }.items():
            one.attributes.add(key=key).value.int_value = amount
    gateway = world.gateway()
    world.put(gateway, world.body(data.SerializeToString(), records=140))
    world.ingest().drain()
    rows = world.rows(
        "SELECT provider, model, usage, cost, cost_usd, cost_details, cost_status, cost_reason, price_id FROM spans "
        "WHERE project_id = %(project)s"
    )
    assert len(rows) == 140
    for provider, model, usage, cost, usd, details, status, reason, price_id in rows:
        priced = price(
            provider=provider, model=model, usage=usage, at_ns=now, book=BOOK, rates=RATES, model_requested=model
        )
        assert (cost, usd, status, reason, price_id) == (
            priced.cost, priced.cost_usd, priced.status, priced.reason, priced.price_id,
        )  # fmt: skip
        assert {bucket: Decimal(amount) for bucket, amount in details.items()} == priced.details
    assert {row[6] for row in rows} >= {"priced", "unpriced"}


def test_secrets_in_texts_are_masked(world: World) -> None:
    secret = "sk-" + "a1B2" * 8
    said = {"gen_ai.input.messages": f"my key is {secret}", "note": secret, "gen_ai.usage.input_tokens": 3}
    send(world, body(span(attributes={**said, "many": [secret, "fine"], "deep": {"a": {"b": secret}}}), span()))
    rows = world.rows("SELECT input, input_preview, toString(attributes) FROM spans WHERE project_id = %(project)s")
    assert not any(secret in text for row in rows for text in row)
    assert any("[redacted:secret]" in row[0] for row in rows)


def test_secrets_beside_text_that_is_no_utf8_are_masked(world: World) -> None:
    secret = "sk-" + "a1B2" * 8
    otlp = traces(2, note=f"XXXX {secret}").replace(b"XXXX", b"a\xff\xfeb")
    gateway = world.gateway()
    world.put(gateway, world.body(otlp, records=2))
    world.ingest().drain()
    notes = world.rows("SELECT attributes['note'] FROM spans WHERE project_id = %(project)s")
    assert notes == [("a??b [redacted:secret]",)] * 2
    world.assert_balanced()
