"""A batch is interrupted between any two of its effects, and again: rows and ledger are as if nothing happened."""

import pytest

from tests.ingestion.world import STEPS, Interrupt, World, identity, interrupting, traces


def fill(world: World) -> None:
    """A little of everything: bodies (one twice, one garbage), closed exchanges, one that never closes, a metric."""
    gateway = world.gateway()
    first, second, never = identity(), identity(), identity()
    body = world.body(traces(4), records=4)
    world.put(gateway, world.opened(first), world.opened(never), body)
    world.put(gateway, world.closed(first), world.opened(second), world.body(b"\xff\xffgarbage", records=2), body)
    world.put(gateway, world.closed(second), world.body(traces(3, seed=1), records=3))
    gateway.close()


EXPECTED = [("gateway", "interrupted", 1), ("gateway", "ok", 2), ("otlp", "unset", 7)]


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.parametrize("at", STEPS)
def test_a_kill_between_any_two_effects_changes_nothing(world: World, at: str, time: int) -> None:
    fill(world)
    try:
        world.ingest(step=interrupting(at, time=time)).drain()
    except Interrupt:
        world.assert_balanced()
    try:
        world.ingest(step=interrupting(at)).drain()
    except Interrupt:
        world.assert_balanced()
    world.ingest().drain()
    assert world.spans() == EXPECTED
    assert world.drops() == {"duplicate": 4, "malformed_body": 2}
    assert world.balance() == (16, 10, 6, 0)
    assert not list((world.home / "spool").iterdir())
    assert not (world.home / "ingest" / "plan.json").exists()


def test_roll_ups_count_a_replayed_batch_once(world: World) -> None:
    fill(world)
    for at in ("exchanges inserted", "batches inserted"):
        with pytest.raises(Interrupt):
            world.ingest(step=interrupting(at)).drain()
    world.ingest().drain()
    hourly = world.rows("SELECT sum(spans), sum(cost_usd) FROM usage_by_hour WHERE project_id = %(project)s")
    assert hourly == world.rows("SELECT count(), sum(cost_usd) FROM spans WHERE project_id = %(project)s")


def test_a_replay_keeps_its_range_when_more_has_come(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.body(traces(2), records=2))
    with pytest.raises(Interrupt):
        world.ingest(step=interrupting("bodies inserted")).drain()
    world.put(gateway, world.body(traces(3, seed=2), records=3))
    world.ingest().drain()
    assert world.spans() == [("otlp", "unset", 5)]
    assert world.rows("SELECT count() FROM batches WHERE project_id = %(project)s") == [(2,)]
    world.assert_balanced()


def test_an_active_segment_is_read_up_to_its_last_whole_frame(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.closed(identity()))
    path = next((world.home / "spool" / gateway.name).glob("*.seg"))
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(whole[: len(whole) // 2])
    ingest = world.ingest()
    ingest.drain()
    assert world.balance() == (1, 1, 0, 0)
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    ingest.drain()
    assert world.spans() == [("gateway", "ok", 2)]


def test_a_torn_tail_of_the_dead_is_no_record(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.closed(identity()))
    path = next((world.home / "spool" / gateway.name).glob("*.seg"))
    content = path.read_bytes()
    gateway.close()
    with path.open("ab") as file:
        file.write(content[:-7])
    ingest = world.ingest()
    ingest.drain()
    assert world.balance() == (1, 1, 0, 0)
    assert ingest.status.torn_bytes == len(content) - 7


def test_damage_costs_the_damaged_frame_alone(world: World) -> None:
    gateway = world.gateway()
    for _ in range(3):
        world.put(gateway, world.closed(identity()))
    path = next((world.home / "spool" / gateway.name).glob("*.seg"))
    content = bytearray(path.read_bytes())
    gateway.close()
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    world.ingest().drain()
    assert world.spans() == [("gateway", "ok", 2)]
    nobody = world.store.writer.rows(
        "SELECT count() FROM drops WHERE reason = 'corrupt_frame' AND startsWith(position, %(w)s)", {"w": gateway.name}
    )
    assert nobody == [(1,)]


def test_a_damaged_length_is_found_behind(world: World) -> None:
    gateway = world.gateway()
    for _ in range(3):
        world.put(gateway, world.closed(identity()))
    path = next((world.home / "spool" / gateway.name).glob("*.seg"))
    content = bytearray(path.read_bytes())
    gateway.close()
    content[0:2] = b"\xff\x7f"
    path.write_bytes(content)
    world.ingest().drain()
    assert world.spans() == [("gateway", "ok", 2)]


def test_an_open_exchange_outlives_its_segment(world: World) -> None:
    world.segment_bytes = 8 * 1024
    gateway = world.gateway()
    late, never = identity(), identity()
    world.put(gateway, world.opened(late), world.opened(never))
    ingest = world.ingest()
    for _ in range(20):
        world.put(gateway, world.closed(identity(), text="x" * 1000))
        ingest.drain()
    directory = world.home / "spool" / gateway.name
    assert not (directory / f"{0:012d}.seg").exists()
    assert (world.home / "ingest" / "carry" / gateway.name).exists()
    world.put(gateway, world.closed(late))
    gateway.close()
    world.ingest().drain()
    assert world.spans() == [("gateway", "interrupted", 1), ("gateway", "ok", 21)]
    assert not directory.exists()
    world.assert_balanced()


def test_losses_that_a_gateway_tells_are_drops(world: World) -> None:
    from ingestion.envelope import Envelope, Kind

    gateway = world.gateway()
    told = Envelope(kind=Kind.LOSS, project_id=world.project, received_ns=1, records=5, loss_reason="disk_full")
    world.put(gateway, told, world.body(b"", records=3, kind=Kind.LANGFUSE, payload=b"{}"))
    world.ingest().drain()
    assert world.drops() == {"disk_full": 5, "unsupported_signal": 3}
    world.assert_balanced()


def test_what_is_spooled_is_counted_before_it_is_written(world: World) -> None:
    gateway = world.gateway()
    world.put(gateway, world.opened(identity()), world.body(traces(4), records=4), world.closed(identity()))
    assert world.balance() == (5, 0, 0, 5)
    world.ingest().drain()
    assert world.balance() == (5, 5, 0, 0)
