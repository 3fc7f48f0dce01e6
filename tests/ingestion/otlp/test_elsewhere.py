"""A ClickHouse that cannot read a file of ours gets the same rows as the embedded one, and each of them once."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.redact import Redactor
from ingestion.store.client import StoreUnavailable
from ingestion.store.decoder import Decoder
from ingestion.store.staging import Staging
from ingestion.worker.assemble import SCHEMA, generous_patterns
from tests.ingestion.otlp.sent import body, span
from tests.ingestion.world import Interrupt, World, interrupting, traces

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
KEY = "sk-" + "abcdefghijklmnopqrstuvwxyz0123456789"
EVERY_COLUMN = (
    "SELECT * EXCEPT (project_id, batch_id, request_id, received_at) FROM spans "
    "WHERE project_id = %(project)s ORDER BY trace_id, span_id"
)


class Elsewhere:
    """A store's writer that can only be sent blocks: no statement of ours may name a file or a table of scratch."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.breaks = 0

    def relay(self, *given: Any, **named: Any) -> None:
        self._writer.relay(*given, **named)
        if self.breaks:
            self.breaks -= 1
            raise StoreUnavailable("the line broke behind the last block")


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    made = Decoder(tmp_path_factory.mktemp("decoder"))
    yield made
    made.close()


def staging(world: World, decoder: Decoder, elsewhere: Elsewhere | None = None) -> Staging:
    patterns = generous_patterns(Redactor())
    store: Any = elsewhere or Elsewhere(world.store.writer)
    return Staging(store, world.home, schema=SCHEMA, patterns=patterns, decoder=decoder)


def test_the_same_rows_as_by_the_embedded_store(world: World, decoder: Decoder, tmp_path: Path) -> None:
    remote = replace(world, home=tmp_path / "elsewhere", project=secrets.randbelow(2**52) + 1, writers=[])
    bodies = [
        body(span(name=generation, **sent), resource={"service.name": "shop"})
        for path in CORPUS
        for generation, sent in json.loads(path.read_text(encoding="utf-8"))["generations"].items()
    ]
    bodies.append(body(span(attributes={"gen_ai.prompt": f"my key is {KEY}", "nested": {"a": [1, {"b": "ü"}]}})))
    bodies.append(body(span(traceId="00" * 16), span(attributes={"spanmeter.tags": ["a", "b"], "n": 2.5})))
    for one in (world, remote):
        gateway = one.gateway()
        one.put(gateway, *(one.body(b"", records=1, payload=payload) for payload in bodies))
        gateway.close()
    world.ingest().drain()
    remote.ingest(staging=staging(remote, decoder)).drain()
    rows = remote.rows(EVERY_COLUMN)
    assert len(rows) == len(bodies)
    assert rows == world.rows(EVERY_COLUMN)
    assert remote.drops() == world.drops() == {"malformed_span": 1}
    assert KEY not in str(rows)
    remote.assert_balanced()
    rolled = "SELECT sum(spans), sum(cost_usd) FROM usage_by_hour WHERE project_id = %(project)s"
    assert remote.rows(rolled) == world.rows(rolled)


def test_a_garbled_body_costs_itself_alone(world: World, decoder: Decoder) -> None:
    gateway = world.gateway()
    good = [world.body(traces(3, seed=seed), records=3) for seed in range(2)]
    world.put(gateway, good[0], world.body(b"\xff\xffgarbage", records=2), good[1])
    world.ingest(staging=staging(world, decoder)).drain()
    assert world.spans() == [("otlp", "unset", 6)]
    assert world.drops() == {"malformed_body": 2}
    world.assert_balanced()


@pytest.mark.parametrize("at", ["planned", "bodies inserted", "batches inserted"])
def test_a_kill_doubles_nothing_there_either(world: World, decoder: Decoder, at: str) -> None:
    gateway = world.gateway()
    world.put(gateway, *(world.body(traces(3, seed=seed), records=3) for seed in range(3)))

    def step(name: str) -> None:
        if name == at:
            raise Interrupt(name)

    with pytest.raises(Interrupt):
        world.ingest(staging=staging(world, decoder), step=step).drain()
    world.assert_balanced()
    world.ingest(staging=staging(world, decoder)).drain()
    assert world.spans() == [("otlp", "unset", 9)]
    world.assert_balanced()


def test_a_line_that_breaks_behind_the_last_block_doubles_nothing(world: World, decoder: Decoder) -> None:
    elsewhere = Elsewhere(world.store.writer)
    elsewhere.breaks = 1
    gateway = world.gateway()
    world.put(gateway, world.body(traces(5), records=5))
    ingest = world.ingest(staging=staging(world, decoder, elsewhere))
    with pytest.raises(StoreUnavailable):
        ingest.drain()
    assert world.balance() == (5, 0, 0, 5)
    ingest.drain()
    assert world.spans() == [("otlp", "unset", 5)]
    assert world.balance() == (5, 5, 0, 0)


def test_a_batch_of_many_blocks_is_one_however_often_it_is_sent(world: World, decoder: Decoder) -> None:
    elsewhere = Elsewhere(world.store.writer)
    elsewhere.breaks = 4
    gateway = world.gateway()
    world.put(gateway, *(world.body(traces(20, seed=seed), records=20) for seed in range(150)))
    while elsewhere.breaks:
        with pytest.raises(StoreUnavailable):
            world.ingest(staging=staging(world, decoder, elsewhere)).drain()
    world.ingest(staging=staging(world, decoder, elsewhere)).drain()
    assert world.spans() == [("otlp", "unset", 3000)]
    world.assert_balanced()


@pytest.mark.parametrize("replayed_elsewhere", [False, True])
@pytest.mark.parametrize("begun_elsewhere", [False, True])
@pytest.mark.parametrize(("begun", "replayed"), [(1, 1000), (1000, 1), (2, 3)])
def test_a_batch_is_stored_once_however_it_was_cut_and_sent(
    world: World, decoder: Decoder, begun_elsewhere: bool, replayed_elsewhere: bool, begun: int, replayed: int
) -> None:
    """How many bodies are unfolded together is the engine's choice; the settings may name another way meanwhile."""

    def unfolding(*, elsewhere: bool, bodies: int) -> Staging:
        made = staging(world, decoder)
        if not elsewhere:
            made = Staging(world.store.writer, world.home, schema=SCHEMA, patterns=generous_patterns(Redactor()))
        made._reading["max_block_size"] = bodies
        return made

    gateway = world.gateway()
    world.put(gateway, *(world.body(traces(4, seed=seed), records=4) for seed in range(7)))
    first = world.ingest(
        staging=unfolding(elsewhere=begun_elsewhere, bodies=begun), step=interrupting("bodies inserted")
    )
    with pytest.raises(Interrupt):
        first.drain()
    world.ingest(staging=unfolding(elsewhere=replayed_elsewhere, bodies=replayed)).drain()
    assert world.spans() == [("otlp", "unset", 28)]
    world.assert_balanced()
