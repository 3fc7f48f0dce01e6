"""The store is away, or says no: nothing is lost, and what it will never take is told."""

from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from ingestion.store.client import QueryFailed, StoreUnavailable
from ingestion.store.staging import Staging
from ingestion.store.writer import BatchWriter
from ingestion.worker.assemble import SCHEMA
from ingestion.worker.loop import AlreadyRunning, claim
from tests.ingestion.world import Interrupt, World, identity, traces


class Refusing(BatchWriter):
    """A store that refuses exchanges whose user wrote the word, and bodies at given places of a batch."""

    word = "poison"
    all_of_them = False

    def insert_spans(self, records, *, batch_id: int, token: str) -> None:
        if self.all_of_them or any(self.word in record.input for record in records):
            raise QueryFailed(53, "Type mismatch: no such thing")
        super().insert_spans(records, batch_id=batch_id, token=token)


def test_a_record_that_the_store_refuses_is_told_and_its_neighbours_are_written(world: World) -> None:
    gateway = world.gateway()
    texts = ["a", "b", "poison", "c", "d", "e", "poison too", "f"]
    world.put(gateway, *(world.closed(identity(), text=text) for text in texts))
    world.ingest(store=Refusing(world.store.writer)).drain()
    assert world.spans() == [("gateway", "ok", 6)]
    assert world.drops() == {"refused_by_store": 2}
    assert "no such thing" in world.rows("SELECT detail FROM drops WHERE project_id = %(project)s")[0][0]
    world.assert_balanced()


@pytest.mark.parametrize("time", [1, 2, 3])
def test_a_kill_while_looking_for_it_doubles_nothing(world: World, time: int) -> None:
    gateway = world.gateway()
    world.put(gateway, *(world.closed(identity(), text=text) for text in ["a", "b", "poison", "c", "d"]))
    left = time

    def step(name: str) -> None:
        nonlocal left
        if name == "spans split":
            left -= 1
            if not left:
                raise Interrupt(name)

    with pytest.raises(Interrupt):
        world.ingest(store=Refusing(world.store.writer), step=step).drain()
    world.ingest(store=Refusing(world.store.writer)).drain()
    assert world.spans() == [("gateway", "ok", 4)]
    assert world.drops() == {"refused_by_store": 1}
    world.assert_balanced()


def test_a_store_that_refuses_everything_is_waited_for(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, *(world.closed(identity(), text=text) for text in "abc"))
    refusing = Refusing(world.store.writer)
    refusing.all_of_them = True
    ingest = world.ingest(store=refusing)
    with pytest.raises(RuntimeError, match="each of 3 records was refused"):
        ingest.drain()
    assert world.balance() == (3, 0, 0, 3)
    refusing.all_of_them = False
    ingest.drain()
    assert world.spans() == [("gateway", "ok", 3)]
    assert world.drops() == {}


class Line:
    """A line to the store that breaks now and then, before it has brought what it should or after."""

    def __init__(self) -> None:
        self.chance = Random(7)
        self.breaks = 0

    def trouble(self) -> None:
        if self.chance.random() < 0.2:
            self.breaks += 1
            raise StoreUnavailable("the line broke")


def broken(kind: type, name: str, line: Line) -> type:
    """A class whose method of this name goes over the line."""

    def call(self, *args, **named):
        line.trouble()
        getattr(kind, name)(self, *args, **named)
        line.trouble()

    return type(kind.__name__, (kind,), {name: call})


def test_a_line_that_breaks_loses_and_doubles_nothing(world: World) -> None:
    gateway = world.gateway()
    line = Line()
    writer = broken(broken(BatchWriter, "insert_spans", line), "insert_batches", line)
    stage = broken(broken(Staging, "stage", line), "insert", line)
    ingest = world.ingest(
        store=writer(world.store.writer), staging=stage(world.store.writer, world.home, schema=SCHEMA)
    )
    for number in range(4):
        world.put(gateway, world.closed(identity()), world.body(traces(2, seed=number), records=2))
        for _ in range(40):
            try:
                if not ingest.turn():
                    break
            except StoreUnavailable:
                world.assert_balanced()
    assert world.spans() == [("gateway", "ok", 4), ("otlp", "unset", 8)]
    assert world.balance() == (12, 12, 0, 0)
    assert line.breaks > 3


def test_the_loop_says_what_is_wrong_and_goes_on_when_it_is_right(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.closed(identity()))

    class Away(BatchWriter):
        away = True

        def hashes_since(self, received_ns: int, *, most: int):
            if self.away:
                self.away = False
                raise StoreUnavailable("ClickHouse at nowhere does not answer")
            return super().hashes_since(received_ns, most=most)

    stop, seen = Event(), []

    def step(name: str) -> None:
        if name == "plan removed":
            seen.append(ingest.status.last_error)
            stop.set()

    ingest = world.ingest(store=Away(world.store.writer), step=step)
    thread = Thread(target=ingest.run, args=(stop,))
    thread.start()
    thread.join(timeout=60)
    assert seen == ["StoreUnavailable: ClickHouse at nowhere does not answer"]
    assert (world.home / "ingest" / "status.json").exists()
    assert world.spans() == [("gateway", "ok", 1)]


def test_a_second_process_is_told_who_is_there(world: World) -> None:
    claim(world.home / "ingest")
    with pytest.raises(AlreadyRunning, match="one ingest process reads a spool"):
        claim(world.home / "ingest")


def test_a_store_that_restarts_in_mid_batch_gets_the_bodies_again(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.body(traces(5), records=5))
    staging = Staging(world.store.writer, world.home, schema=SCHEMA)
    planned: list[Any] = []

    def step(name: str) -> None:
        if name == "planned" and not planned:
            planned.append(name)
            staging.clear()  # what a restart does to a table in memory

    ingest = world.ingest(staging=staging, step=step)
    with pytest.raises(QueryFailed, match="the staging table was lost"):
        ingest.drain()
    assert world.balance() == (5, 0, 0, 5)
    ingest.drain()
    assert world.spans() == [("otlp", "unset", 5)]
    assert world.balance() == (5, 5, 0, 0)
