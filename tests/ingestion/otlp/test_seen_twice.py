"""A call that both the gateway and an SDK have seen: billed once, and one request."""

from dataclasses import replace
from typing import Any

import pytest

from tests.ingestion.otlp.sent import body, span
from tests.ingestion.world import World, identity

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
TOLD = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
FAILED: dict[str, Any] = {"attributes": {**TOLD, "error.type": "RateLimitError"}, "status": {"code": 2}}
NAMELESS: dict[str, Any] = {"attributes": {**TOLD, "gen_ai.usage.input_tokens": 9}}


def calls(world: World) -> list[tuple]:
    return world.rows(
        "SELECT source, status, repeated, cost_usd > 0 FROM spans WHERE project_id = %(project)s ORDER BY ALL"
    )


def test_a_call_that_the_gateway_bills_is_billed_once(world: World) -> None:
    gateway = world.gateway()
    seen = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9}
    ours = span(attributes={**seen, "gen_ai.response.id": "chatcmpl-77"})
    other = span(attributes={**seen, "gen_ai.response.id": "chatcmpl-78"})
    world.put(gateway, world.closed(identity(), answer_id="chatcmpl-77"))
    world.put(gateway, world.body(b"", records=2, payload=body(ours, other)))
    world.ingest().drain()
    rows = world.rows(
        "SELECT source, response_id, billable, cost_reason FROM spans WHERE project_id = %(project)s ORDER BY ALL"
    )
    assert rows == [
        ("gateway", "chatcmpl-77", True, ""),
        ("otlp", "chatcmpl-77", False, "billed_by_gateway"),
        ("otlp", "chatcmpl-78", True, ""),
    ]


@pytest.mark.parametrize("restarted", [False, True])
def test_an_sdk_that_is_read_before_the_gateway_bills_and_the_gateway_does_not(world: World, restarted: bool) -> None:
    gateway = world.gateway()
    ours = span(
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.response.id": "chatcmpl-79",
        }
    )
    ingest = world.ingest()
    world.put(gateway, world.body(b"", records=1, payload=body(ours)))
    ingest.drain()
    world.put(gateway, world.closed(identity(), answer_id="chatcmpl-79"))
    (world.ingest() if restarted else ingest).drain()
    rows = world.rows(
        "SELECT source, billable, cost_usd > 0, cost_status, cost_reason FROM spans WHERE project_id = %(project)s "
        "ORDER BY source"
    )
    assert rows == [("gateway", False, None, "not_billable", "billed_by_sdk"), ("otlp", True, True, "priced", "")]


def test_an_sdk_that_does_not_know_the_price_leaves_the_bill_to_the_gateway(world: World) -> None:
    gateway = world.gateway()
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "nobody-heard-of", "gen_ai.usage.input_tokens": 9}
    ingest = world.ingest()
    world.put(
        gateway,
        world.body(b"", records=1, payload=body(span(attributes={**told, "gen_ai.response.id": "chatcmpl-80"}))),
    )
    ingest.drain()
    world.put(gateway, world.closed(identity(), answer_id="chatcmpl-80"))
    ingest.drain()
    rows = world.rows("SELECT source, cost_usd > 0, cost_status FROM spans WHERE project_id = %(project)s ORDER BY 1")
    assert rows == [("gateway", True, "priced"), ("otlp", None, "unpriced")]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("told", "refused", "expected"),
    [
        (FAILED, True, [("gateway", "error", False, None), ("otlp", "error", True, None)]),
        (NAMELESS, False, [("gateway", "ok", False, True), ("otlp", "unset", True, None)]),
    ],
)
def test_without_an_id_of_the_answer_the_span_that_asked_tells(
    world: World, restarted: bool, told: dict[str, Any], refused: bool, expected: list[tuple]
) -> None:
    gateway = world.gateway()
    ingest = world.ingest()
    world.put(gateway, world.closed(identity(), parent=PARENT, refused=refused))
    ingest.drain()
    world.put(gateway, world.body(b"", records=1, payload=body(span(traceId=TRACE, spanId=SPAN, **told))))
    (world.ingest() if restarted else ingest).drain()
    assert calls(world) == expected
    world.assert_balanced()


def test_a_nameless_span_that_is_read_first_bills(world: World) -> None:
    gateway = world.gateway()
    ingest = world.ingest()
    world.put(gateway, world.body(b"", records=1, payload=body(span(traceId=TRACE, spanId=SPAN, **NAMELESS))))
    ingest.drain()
    world.put(gateway, world.closed(identity(), parent=PARENT))
    ingest.drain()
    assert calls(world) == [("gateway", "ok", True, None), ("otlp", "unset", False, True)]


def test_the_same_ids_in_another_project_are_another_call(world: World) -> None:
    gateway = world.gateway()
    elsewhere = replace(world.closed(identity(), parent=PARENT), project_id=world.project + 1)
    world.put(gateway, elsewhere, world.body(b"", records=1, payload=body(span(traceId=TRACE, spanId=SPAN, **FAILED))))
    world.ingest().drain()
    assert calls(world) == [("otlp", "error", False, None)]


def test_an_agent_around_the_call_is_no_call(world: World) -> None:
    gateway = world.gateway()
    agent = {"attributes": {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o"}}
    world.put(gateway, world.closed(identity(), parent=PARENT))
    world.put(gateway, world.body(b"", records=1, payload=body(span(traceId=TRACE, spanId=SPAN, **agent))))
    world.ingest().drain()
    assert calls(world) == [("gateway", "ok", False, True), ("otlp", "unset", False, None)]
