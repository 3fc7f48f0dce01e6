"""Starting where one cannot start, stopping in the middle of work, and being killed: nothing acknowledged is lost,
nothing doubled.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.store.client import QueryFailed, Store, StoreUnavailable
from tests.store.serving import Served, free_port

TABLES = (
    "CREATE TABLE rows (k UInt64, at DateTime, s String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY k"
    " SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE TABLE counts (k UInt64, n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY k"
    " SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW counts_mv TO counts AS SELECT k % 10 AS k, toUInt64(count()) AS n FROM rows GROUP BY k",
    "CREATE TABLE totals (k UInt64, n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY k"
    " SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW totals_mv TO totals AS"
    " SELECT toUInt64(0) AS k, sum(c.n) AS n FROM counts AS c GROUP BY k",
)
PROTO = 'syntax = "proto3";\nmessage Row { uint64 k = 1; uint32 at = 2; string s = 3; }\n'
MONTHS = (1_760_000_000, 1_763_000_000, 1_766_000_000)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    running = Served(tmp_path)
    yield running
    running.stop()


def test_a_second_store_on_the_directory_names_it_and_the_first(own: Served) -> None:
    second = own.spawn(SPANMETER_STORE_PORT=str(free_port()))
    _out, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert len(err.splitlines()) == 1
    for part in (str(own.home / "store"), f"pid {own.process.pid}", f"port {own.port}", "SPANMETER_HOME"):
        assert part in err


def test_a_taken_port_is_named_with_its_setting(own: Served, tmp_path: Path) -> None:
    second = own.spawn(SPANMETER_HOME=str(tmp_path / "elsewhere"))
    _out, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"port {own.port}" in err
    assert "SPANMETER_STORE_PORT" in err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SPANMETER_STORE_PASSWORD": ""}, "SPANMETER_STORE_PASSWORD"),
        ({"SPANMETER_CLICKHOUSE_URL": "clickhouse://db"}, "SPANMETER_CLICKHOUSE_URL"),
        ({"SPANMETER_STORE_MEMORY": "little"}, "SPANMETER_STORE_MEMORY='little'"),
    ],
)
def test_settings_that_cannot_be_served_are_named(own: Served, changes: dict[str, str], said: str) -> None:
    refused = own.spawn(**changes)
    _out, err = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert said in err
    assert "Traceback" not in err


def test_what_was_written_is_there_after_a_restart(own: Served) -> None:
    with own.connect() as store:
        store.writer.command(TABLES[0])
        store.writer.insert("rows", {"k": [1], "at": [MONTHS[0]], "s": ["x"]}, token="a")
        assert own.stop() == 0
        own.start()
        store.writer.insert("rows", {"k": [1], "at": [MONTHS[0]], "s": ["x"]}, token="a")
        assert store.writer.rows("SELECT k, s FROM rows") == [(1, "x")]


def test_a_stop_lets_an_insert_finish_and_interrupts_a_read(own: Served) -> None:
    outcome: dict[str, Exception | None] = {}
    with own.connect() as store:
        store.writer.command("CREATE TABLE slow (n UInt64) ENGINE = MergeTree ORDER BY n")
        statements = {
            "insert": "INSERT INTO slow SELECT number + sleepEachRow(0.02) FROM numbers(100)"
            " SETTINGS max_block_size = 1",
            "read": "SELECT count() FROM numbers(1e13) WHERE sipHash64(number) = 1",
        }

        def run(name: str) -> None:
            try:
                store.writer.command(statements[name])
                outcome[name] = None
            except (StoreUnavailable, QueryFailed) as error:
                outcome[name] = error

        threads = [threading.Thread(target=run, args=(name,)) for name in statements]
        for thread in threads:
            thread.start()
        running = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' OR query LIKE '%1e13%'"
        while store.writer.rows(running) != [(3,)]:  # both, and the one that counts
            time.sleep(0.02)
        assert own.stop() == 0
        for thread in threads:
            thread.join(timeout=60)
        assert outcome["insert"] is None
        assert outcome["read"] is not None
        own.start()
        assert store.writer.rows("SELECT count() FROM slow") == [(100,)]


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def protobuf_rows(first: int, count: int) -> bytes:
    """Return length-prefixed messages, as a spool segment holds them."""
    out = bytearray()
    for k in range(first, first + count):
        text = b"protobuf %d" % k
        row = b"\x08" + varint(k) + b"\x10" + varint(MONTHS[k % 3]) + b"\x1a" + varint(len(text)) + text
        out += varint(len(row)) + row
    return bytes(out)


@pytest.mark.kill
@pytest.mark.timeout(280)
def test_kill_after_kill_loses_nothing_acknowledged_and_doubles_nothing(own: Served, tmp_path: Path) -> None:
    """Blocks and INSERT … SELECT FROM file(Protobuf), each repeated under its token until it is acknowledged; months
    make parts, views make more tables, so a kill can fall between any two of them.
    """
    (tmp_path / "row.proto").write_text(PROTO)
    size, kills = 4000, 8
    with own.connect() as store:
        for statement in TABLES:
            store.writer.command(statement)
        enough = threading.Event()
        acknowledged = [0]

        def send(batch: int) -> None:
            first = batch * size
            if batch % 2:
                keys = list(range(first, first + size))
                columns: dict[str, list[object]] = {
                    "k": [*keys],
                    "at": [MONTHS[k % 3] for k in keys],
                    "s": [f"block {k}" for k in keys],
                }
                store.writer.insert("rows", columns, token=f"w/{batch}/rows")
                return
            source = tmp_path / f"{batch}.bin"
            source.write_bytes(protobuf_rows(first, size))
            store.writer.command(
                "INSERT INTO rows SELECT k, toDateTime(at), s"
                " FROM file(%(file)s, Protobuf, 'k UInt64, at UInt32, s String')",
                {"file": str(source)},
                token=f"w/{batch}/rows",
                settings={"format_schema": f"{tmp_path}/row.proto:Row", "max_block_size": 1000},
            )

        def work() -> None:
            while not enough.is_set():
                try:
                    send(acknowledged[0])
                except (StoreUnavailable, QueryFailed):
                    time.sleep(0.01)  # and once more, under the same token
                else:
                    acknowledged[0] += 1

        worker = threading.Thread(target=work)
        worker.start()
        for number in range(kills):
            time.sleep(0.03 + (number * 7 % 11) * 0.013)  # somewhere in an insert: no event says where
            own.kill()
            own.start()
            least = acknowledged[0] * size
            assert store.writer.rows("SELECT uniqExact(k) >= %(least)s FROM rows", {"least": least}) == [(1,)]
        enough.set()
        worker.join(timeout=200)
        assert not worker.is_alive()
        check(store, size * acknowledged[0])


def check(store: Store, expected: int) -> None:
    counted = store.writer.rows(
        "SELECT (SELECT count() FROM rows), (SELECT uniqExact(k) FROM rows),"
        " (SELECT sum(n) FROM counts), (SELECT sum(n) FROM totals)"
    )
    assert counted == [(expected, expected, expected, expected)]


def test_merges_give_way_to_clients(own: Served) -> None:
    with own.connect() as store:
        store.writer.command("CREATE TABLE one (k UInt8) ENGINE = MergeTree ORDER BY k")
    threads = Path(f"/proc/{own.process.pid}/task")
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    deadline = time.monotonic() + 30
    lowered: list[bool] = []
    while not (lowered and all(lowered)):
        assert time.monotonic() < deadline, lowered
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            merging = [int(t.name) for t in threads.iterdir() if (t / "comm").read_text().startswith("MergeMutate")]
            lowered = [os.getpriority(os.PRIO_PROCESS, thread) > ours for thread in merging]
        time.sleep(0.05)
