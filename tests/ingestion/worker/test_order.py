"""Several gateway processes: an SDK's span in one's directory never overtakes the exchange of its call in another's."""

import time

import pytest

from ingestion.envelope import Envelope
from tests.ingestion.world import STEPS, Interrupt, World, identity, interrupting, traces

SECOND = 1_000_000_000


def exchange(world: World, call: str, *, ended: float = 0.5) -> Envelope:
    """The gateway's record of a call, which ended so many seconds ago."""
    return world.closed(identity(), answer_id=call, started_ns=time.time_ns() - int(ended * SECOND) - 5_000_000)


def span(world: World, call: str) -> Envelope:
    """What an SDK tells of the same call: of a model that has no price, so it leaves the bill to the gateway."""
    told = {"gen_ai.request.model": "nobody-heard-of", "gen_ai.response.id": call}
    return world.body(traces(1, seed=sum(call.encode()), **told), records=1)


def calls(world: World) -> list[tuple]:
    return world.rows(
        "SELECT response_id, countIf(NOT repeated), countIf(cost_usd > 0), groupArrayIf(source, repeated) FROM spans "
        "WHERE project_id = %(project)s GROUP BY response_id ORDER BY response_id"
    )


ONCE = [("one", 1, 1, ["otlp"]), ("two", 1, 1, ["otlp"])]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        (["span one", "span two"], ["exchange one", "exchange two"]),
        (["span one", "exchange two"], ["exchange one", "span two"]),
        (["exchange one", "span two"], ["exchange two", "span one"]),
        (["span one", "span two"], ["exchange one"], ["exchange two"]),
    ],
)
def test_a_call_is_one_request_wherever_its_records_lie(world: World, layout, swapped: bool) -> None:
    gateways = [world.gateway() for _ in layout]
    # As it comes about: the exchange is written, then the SDK tells of it, one call after the other.
    order = ["exchange one", "span one", "exchange two", "span two"]
    for record in order:
        kind, call = record.split()
        at = next(place for place, held in enumerate(layout) if record in held)
        made = exchange(world, call, ended=0) if kind == "exchange" else span(world, call)
        world.put(gateways[-1 - at if swapped else at], made)
    world.ingest().drain()
    assert calls(world) == ONCE
    world.assert_balanced()


@pytest.mark.parametrize("at", STEPS)
def test_a_kill_between_any_two_effects_changes_nothing(world: World, at: str) -> None:
    early, late = world.gateway(), world.gateway()
    world.put(early, exchange(world, "two"), span(world, "one"))
    world.put(late, exchange(world, "one", ended=0.3), span(world, "two"))
    for _ in range(2):
        try:
            world.ingest(step=interrupting(at)).drain()
        except Interrupt:
            world.assert_balanced()
    world.ingest().drain()
    assert calls(world) == ONCE
    world.assert_balanced()


def test_clocks_that_were_set_back_hold_nobody_up(world: World) -> None:
    one, other = world.gateway(), world.gateway()
    for gateway, first, second in ((one, "one", "two"), (other, "two", "one")):
        world.put(gateway, span(world, first), exchange(world, second, ended=3600))
    world.ingest().drain()
    assert sum(row[1] for row in calls(world)) >= 2
    assert world.spans() == [("gateway", "ok", 2), ("otlp", "unset", 2)]
    world.assert_balanced()


def test_where_much_waits_nobody_waits_for_others(world: World) -> None:
    gateways = [world.gateway(), world.gateway()]
    for number in range(30):
        for gateway in gateways:
            world.put(gateway, span(world, f"span {number} {gateway.name}"), exchange(world, f"call {number}"))
    world.ingest(SPANMETER_BATCH_BYTES="65536").drain()
    assert world.spans() == [("gateway", "ok", 60), ("otlp", "unset", 60)]
    world.assert_balanced()
