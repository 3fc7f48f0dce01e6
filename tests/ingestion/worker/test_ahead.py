"""While one batch is inserted the next is prepared: kills, resent bodies and failures come to the same as without."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.store.client import QueryFailed
from ingestion.store.staging import Staging
from ingestion.worker.ahead import Ahead, Place
from ingestion.worker.assemble import SCHEMA
from ingestion.worker.batch import Procedure
from tests.ingestion.world import Interrupt, World, identity, traces

SMALL: Any = {"SPANMETER_BATCH_BYTES": str(64 * 1024)}
TEXT = "word " * 400


def fill(world: World, bodies: int = 12) -> None:
    """Several batches in several segments; one body is sent again later."""
    world.segment_bytes = 96 * 1024
    gateway = world.gateway()
    again = world.body(traces(8, seed=99, **dict[str, Any]({"gen_ai.input.messages": TEXT})), records=8)
    for seed in range(bodies):
        body = traces(8, seed=seed, **dict[str, Any]({"gen_ai.input.messages": TEXT}))
        world.put(gateway, world.body(body, records=8), world.closed(identity()))
        if seed in {1, bodies - 2}:
            world.put(gateway, again)
    gateway.close()


def test_batches_are_prepared_ahead_and_written_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    prepare, carry_out = Procedure.prepare, Procedure.carry_out

    def preparing(self, plan, *args, **named):
        prepared = prepare(self, plan, *args, **named)
        order.append(f"prepared {plan.name}")
        return prepared

    def carrying(self, prepared):
        settled = carry_out(self, prepared)
        order.append(f"settled {prepared.plan.name}")
        return settled

    monkeypatch.setattr(Procedure, "prepare", preparing)
    monkeypatch.setattr(Procedure, "carry_out", carrying)
    fill(world)
    world.ingest(**SMALL).drain()
    assert world.spans() == [("gateway", "ok", 12), ("otlp", "unset", 104)]
    assert world.drops() == {"duplicate": 8}
    world.assert_balanced()
    prepared = [line for line in order if line.startswith("prepared")]
    assert len(prepared) == len(set(prepared)) == len(order) / 2 > 3


@pytest.mark.parametrize("at", ["planned", "bodies inserted", "hashes inserted", "cursor moved"])
def test_kills_with_a_batch_prepared_ahead_double_nothing(world: World, at: str) -> None:
    fill(world)
    for _ in range(3):
        met = 0

        def step(name: str) -> None:
            nonlocal met
            met += name == at
            if met == 2:
                raise Interrupt(name)

        try:
            world.ingest(step=step, **SMALL).drain()
        except Interrupt:
            world.assert_balanced()
    world.ingest(**SMALL).drain()
    assert world.spans() == [("gateway", "ok", 12), ("otlp", "unset", 104)]
    assert world.drops() == {"duplicate": 8}
    world.assert_balanced()


class Stumbling(Staging):
    """An engine that fails on a body in a way that no list of ours knows."""

    word = b"stumble"

    def stage(self, file: Path) -> None:
        if any(self.word in part.read_bytes() for part in file.parent.glob("bodies-*.bin")):
            raise QueryFailed(1001, "std::exception: unknown")
        super().stage(file)


def test_a_body_that_no_engine_can_read_holds_nobody_up_for_ever(world: World) -> None:
    gateway = world.gateway()
    bad = traces(2, seed=1, **dict[str, Any]({"user.id": "stumble"}))
    good = [world.body(traces(3, seed=seed), records=3) for seed in (2, 3)]
    world.put(gateway, good[0], world.body(bad, records=2), world.closed(identity()), good[1])
    ingest = world.ingest(staging=Stumbling(world.store.writer, world.home, schema=SCHEMA))
    for _ in range(4):
        with pytest.raises(QueryFailed):
            ingest.drain()
        assert world.balance() == (9, 0, 0, 9)
    ingest.drain()
    assert world.spans() == [("gateway", "ok", 1), ("otlp", "unset", 6)]
    assert world.drops() == {"refused_by_store": 2}
    assert world.balance() == (9, 7, 2, 0)


def test_an_engine_that_reads_nothing_is_waited_for(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.body(traces(3), records=3))
    staging = Stumbling(world.store.writer, world.home, schema=SCHEMA)
    staging.word = b""
    ingest = world.ingest(staging=staging)
    for _ in range(9):
        with pytest.raises(QueryFailed):
            ingest.drain()
    assert world.balance() == (3, 0, 0, 3)
    staging.word = Stumbling.word
    ingest = world.ingest(staging=staging)
    ingest.drain()
    assert world.balance() == (3, 3, 0, 0)


def test_work_done_ahead_is_for_its_place_alone() -> None:
    discarded: list[str] = []
    ahead: Ahead[str] = Ahead(discarded.append)
    here, there, other = Place("a", 1, 0), Place("a", 1, 9), Place("b", 0, 0)
    ahead.start(here, lambda: "done")
    assert ahead.taken(other) is None
    assert ahead.taken(here) == "done"
    assert ahead.taken(here) is None
    ahead.start(here, lambda: "old")
    assert ahead.taken(there) is None
    assert discarded == ["old"]

    def failing() -> str:
        raise QueryFailed(1, "no")

    ahead.start(here, failing)
    assert ahead.taken(here) is None
    assert discarded == ["old"]
