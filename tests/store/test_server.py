"""The store as its clients see it: the driver, several at once, slow ones, ones that leave, and ones that are wrong."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from ingestion.store.client import Store
from tests.store.serving import Served


def driver(served: Served, **options: object) -> Client:
    settings = {"port": served.port, "user": "spanmeter", "password": served.environment["SPANMETER_STORE_PASSWORD"]}
    return Client("127.0.0.1", **{**settings, **options})


@pytest.fixture
def client(served: Served):
    with driver(served) as connected:
        yield connected


def code(client: Client, sql: str, **options: object) -> int:
    with pytest.raises(ServerException) as raised:
        client.execute(sql, **options)
    return int(raised.value.code)


def test_selects_return_rows_and_columns(client: Client) -> None:
    rows, columns = client.execute("SELECT number, toString(number) AS s FROM numbers(3)", with_column_types=True)
    assert rows == [(0, "0"), (1, "1"), (2, "2")]
    assert columns == [("number", "UInt64"), ("s", "String")]
    assert client.execute("SELECT 1 AS x, [] AS y WHERE 0 ; -- none", with_column_types=True)[1][0] == ("x", "UInt8")
    assert client.execute("WITH 1 AS x SELECT x FORMAT JSON") == [(1,)]
    assert client.execute("(SELECT 1) UNION ALL (SELECT 2)") in ([(1,), (2,)], [(2,), (1,)])
    assert client.execute("EXISTS TABLE system.one") == [(1,)]
    assert ("one",) in client.execute("SHOW TABLES FROM system")
    assert client.execute("DESCRIBE TABLE system.one")[0][:2] == ("dummy", "UInt8")
    assert client.execute("EXPLAIN SELECT 1")
    assert client.execute("SELECT %(text)s", {"text": "it's \\ é"}) == [("it's \\ é",)]


def test_errors_carry_the_code_and_the_connection_goes_on(client: Client) -> None:
    assert code(client, "SELECT nothing_of_that_name") == 47
    assert code(client, "SELECT * FROM no_such_table") == 60
    assert code(client, "nonsense") == 62
    assert code(client, "SELECT throwIf(number = 150000) FROM numbers(200000)") == 395
    assert client.execute("SELECT 1") == [(1,)]


def test_bytes_that_are_not_utf8_pass(client: Client) -> None:
    latin = {"strings_encoding": "latin-1"}
    assert client.execute("SELECT hex(unhex('FFFE'))") == [("FFFE",)]
    client.execute("CREATE OR REPLACE TABLE raw (s String) ENGINE = Memory")
    client.execute("INSERT INTO raw VALUES", [("\xff\xfe",)], settings=latin)
    assert client.execute("SELECT hex(s) FROM raw") == [("FFFE",)]


def test_settings_hold_for_their_query_alone(client: Client) -> None:
    asked = "SELECT getSetting('max_threads'), getSetting('log_comment')"
    assert client.execute(asked, settings={"max_threads": 1, "log_comment": "it's ' \\"})[0] == (1, "it's ' \\")
    assert client.execute(asked)[0][1] == ""
    assert code(client, "SELECT 1", settings={"max_block_size": "many"}) in {6, 27, 72}
    assert client.execute("SELECT 1") == [(1,)]
    slow = {"max_execution_time": 0.2, "timeout_before_checking_execution_speed": 0}
    assert code(client, "SELECT count() FROM numbers(1e12) WHERE sipHash64(number) = 1", settings=slow) == 159


def test_an_important_setting_that_is_unknown_is_an_error(served: Served) -> None:
    with driver(served, settings_is_important=True) as strict:
        assert code(strict, "SELECT 1", settings={"no_such_setting": 1}) == 115


def test_readonly_reads_and_nothing_else(client: Client) -> None:
    only = {"readonly": 1}
    assert client.execute("SELECT 1", settings=only) == [(1,)]
    for sql in ("CREATE TABLE ro (a UInt8) ENGINE = Memory", "SET max_threads = 1", "INSERT INTO ro SELECT 1"):
        assert code(client, sql, settings=only) == 164
    assert code(client, "INSERT INTO ro VALUES", params=[(1,)], settings=only) == 164
    assert code(client, "SELECT 1 SETTINGS readonly = 0", settings=only) == 164
    client.execute("CREATE OR REPLACE TABLE ro (a UInt8) ENGINE = Memory")


@pytest.mark.parametrize(
    ("user", "password"), [("spanmeter", "wrong"), ("default", ""), ("", ""), ("spanmeter", "é\0")]
)
def test_strangers_are_refused(served: Served, user: str, password: str) -> None:
    with driver(served, user=user, password=password) as stranger:
        assert code(stranger, "SELECT 1") == 516


def test_rows_and_columns_go_in_and_come_back(client: Client) -> None:
    client.execute(
        "CREATE OR REPLACE TABLE everything (id UInt64, s String, l LowCardinality(String),"
        " n Nullable(Decimal(18, 12)), t DateTime64(6, 'UTC'), tags Array(LowCardinality(String)),"
        " m Map(LowCardinality(String), String),"
        " d UInt8 DEFAULT 7, x UInt64 MATERIALIZED id + 1, y UInt64 ALIAS id + 2) ENGINE = MergeTree ORDER BY id"
    )
    row: tuple[object, ...] = (
        1,
        "é" * 500,
        "l",
        None,
        client.execute("SELECT toDateTime64('2026-01-02 03:04:05.678901', 6, 'UTC')")[0][0],
    )
    row = (*row, ["a", "b"], {"k": "v", "": ""}, 9)
    assert client.execute("INSERT INTO everything VALUES", [row]) == 1
    assert client.execute("SELECT * FROM everything") == [row]
    columns = [[2, 3], ["", "x"], [{}, {"a": "b"}]]
    assert client.execute("INSERT INTO everything (id, s, m) VALUES", columns, columnar=True) == 2
    assert client.execute("SELECT id, s, m, d, x, y FROM everything WHERE id > 1 ORDER BY id") == [
        (2, "", {}, 7, 3, 4),
        (3, "x", {"a": "b"}, 7, 4, 5),
    ]
    assert client.execute("INSERT INTO everything VALUES", []) == 0
    client.execute("INSERT INTO everything (id) VALUES (4), (5)")
    client.execute("INSERT INTO everything (id) SELECT number + 6 FROM numbers(10)")
    assert client.execute("SELECT count() FROM everything") == [(15,)]


def test_an_insert_that_fails_leaves_nothing(client: Client) -> None:
    client.execute(
        "CREATE OR REPLACE TABLE strict (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a"
    )
    assert code(client, "INSERT INTO strict VALUES", params=[(1,), (11,)]) == 469
    assert code(client, "INSERT INTO strict (b) VALUES", params=[(1,)]) == 16
    assert code(client, "INSERT INTO nowhere VALUES", params=[(1,)]) == 60
    client.execute("CREATE OR REPLACE TABLE states (s AggregateFunction(uniq, String)) ENGINE = Memory")
    assert code(client, "INSERT INTO states VALUES", params=[("x",)]) == 50
    assert client.execute("SELECT count() FROM strict") == [(0,)]


def test_a_view_that_refuses_is_told(client: Client) -> None:
    """It fails after the first table has the rows: the client must know, and send them again under its token."""
    for name in ("viewed_mv", "viewed", "views"):
        client.execute(f"DROP TABLE IF EXISTS {name}")
    window = "ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10"
    client.execute(f"CREATE TABLE viewed (a UInt64) {window}")
    client.execute(f"CREATE TABLE views (a UInt64) {window}")
    client.execute("CREATE MATERIALIZED VIEW viewed_mv TO views AS SELECT a + throwIf(a = 7) AS a FROM viewed")
    token = {"insert_deduplication_token": "t"}
    assert code(client, "INSERT INTO viewed VALUES", params=[(6,), (7,)], settings=token) == 395
    client.execute("DROP TABLE viewed_mv")
    client.execute("CREATE MATERIALIZED VIEW viewed_mv TO views AS SELECT a FROM viewed")
    client.execute("INSERT INTO viewed VALUES", [(6,), (7,)], settings=token)
    assert client.execute("SELECT (SELECT count() FROM viewed), (SELECT count() FROM views)") == [(2, 2)]


def test_a_client_that_leaves_in_mid_insert_leaves_nothing(client: Client, served: Served) -> None:
    client.execute("CREATE OR REPLACE TABLE left (a UInt64, s String) ENGINE = MergeTree ORDER BY a")

    def rows():
        yield from ((number, "x" * 100) for number in range(5000))
        raise ConnectionError("the line is cut here")

    with driver(served) as leaving, pytest.raises(ConnectionError):
        leaving.execute("INSERT INTO left VALUES", rows(), settings={"insert_block_size": 1000})
    wait_for(lambda: client.execute("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'") == [(0,)])
    assert client.execute("SELECT count() FROM left") == [(0,)]


def wait_for(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


ENDLESS = "SELECT count() FROM numbers(1e13) WHERE sipHash64(number) = 1"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT %1e13%' AND query NOT LIKE '%processes%'"


def test_cancel_ends_the_query_and_keeps_the_connection(client: Client, served: Served) -> None:
    with driver(served) as other:
        other.execute_with_progress(ENDLESS)
        wait_for(lambda: client.execute(RUNNING) == [(1,)])
        other.cancel()
        wait_for(lambda: client.execute(RUNNING) == [(0,)])
        assert other.execute("SELECT 1") == [(1,)]


def test_a_client_that_is_gone_takes_its_query_with_it(client: Client, served: Served) -> None:
    other = driver(served)
    other.execute_with_progress(ENDLESS)
    wait_for(lambda: client.execute(RUNNING) == [(1,)])
    other.disconnect()
    wait_for(lambda: client.execute(RUNNING) == [(0,)])


def test_a_slow_client_stops_its_own_query_and_nothing_else(client: Client, served: Served) -> None:
    def memory() -> int:
        status = Path(f"/proc/{served.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    before = memory()
    with driver(served) as slow:
        rows = slow.execute_iter("SELECT number, repeat('x', 1000) FROM numbers(4000000)", settings={"max_threads": 1})
        next(rows)
        for _ in range(50):
            assert client.execute("SELECT 1") == [(1,)]
        assert memory() - before < 600_000_000  # of 4 GB
        slow.disconnect()


def test_many_clients_at_once(store: Store) -> None:
    store.writer.command(
        "CREATE OR REPLACE TABLE crowd (who UInt8, n UInt64) ENGINE = MergeTree ORDER BY n"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    failures: list[Exception] = []

    def work(who: int) -> None:
        try:
            for round_ in range(10):
                store.writer.insert("crowd", {"who": [who] * 100, "n": list(range(100))}, token=f"{who}/{round_}")
                seen = store.reader.rows("SELECT count() FROM crowd WHERE who = %(who)s", {"who": who}, comment="crowd")
                assert seen == [((round_ + 1) * 100,)]
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []
    assert store.reader.rows("SELECT count() FROM crowd", comment="crowd") == [(12_000,)]


def test_rubbish_on_the_port_harms_nobody(client: Client, served: Served) -> None:
    for rubbish in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 100,
        b"",
        b"\0" * 9000,
        b"\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as sock:
            sock.sendall(rubbish)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    assert client.execute("SELECT 1") == [(1,)]


def test_external_tables_are_refused_by_name(served: Served) -> None:
    tables = [{"name": "e", "structure": [("x", "Int32")], "data": [{"x": 1}]}]
    with driver(served) as other, pytest.raises(ServerException, match="external table 'e'"):
        other.execute("SELECT * FROM e", external_tables=tables)


REMOTE = """
import sys
from ingestion.store.server.engine import Engine
from pathlib import Path
home, port, password = sys.argv[1:4]
config = Path(home) / "other.xml"
config.write_text("<clickhouse></clickhouse>")
engine = Engine(Path(home) / "other", config)
session = engine.session()
there = f"remote('127.0.0.1:{port}', default.far, 'spanmeter', '{password}')"
session.run("SET network_compression_method = 'LZ4'")
session.run(f"INSERT INTO FUNCTION {there} SELECT number, toString(number), map('k', 'v') FROM numbers(100000)")
print(session.rows(f"SELECT count(), sum(a), any(m['k']), uniqExact(s) FROM {there}"))
print(session.rows(f"SELECT s FROM {there} WHERE a > 99997 ORDER BY a"))
print(session.rows(f"SELECT s FROM {there} WHERE a > 1000000"))
session.close()
engine.close()
"""


def test_a_modern_native_client_reads_and_writes(client: Client, served: Served, tmp_path: Path) -> None:
    client.execute(
        "CREATE OR REPLACE TABLE far (a UInt64, s String, m Map(LowCardinality(String), String))"
        " ENGINE = MergeTree ORDER BY a"
    )
    command = [
        sys.executable,
        "-c",
        REMOTE,
        str(tmp_path),
        str(served.port),
        served.environment["SPANMETER_STORE_PASSWORD"],
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.stderr == ""
    counted, found, none = done.stdout.splitlines()
    assert counted == "[[100000, 4999950000, 'v', 100000]]"
    assert found == "[['99998'], ['99999']]"
    assert none == "[]"


OLD_CLIENT = shutil.which("clickhouse-client")


@pytest.mark.skipif(not OLD_CLIENT, reason="needs clickhouse-client (apt install clickhouse-client)")
def test_the_old_command_line_client_reads_and_writes(served: Served) -> None:
    def run(sql: str, rows: str = "") -> str:
        sign_in = ["--user", "spanmeter", "--password", served.environment["SPANMETER_STORE_PASSWORD"]]
        command = [str(OLD_CLIENT), "--host", "127.0.0.1", "--port", str(served.port), *sign_in, "--compression", "0"]
        done = subprocess.run(
            [*command, "--max_block_size", "1000", "--query", sql],
            input=rows,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "HOME": str(served.home)},
        )
        return done.stdout + done.stderr

    assert run("CREATE TABLE IF NOT EXISTS old (a UInt64, l LowCardinality(String)) ENGINE = Memory") == ""
    assert run("INSERT INTO old FORMAT TSV", "1\tx\n2\ty\n") == ""
    assert run("SELECT * FROM old ORDER BY a") == "1\tx\n2\ty\n"
    assert run("SELECT * FROM old WHERE a > 5") == ""
    assert "Code: 47" in run("SELECT nothing_of_that_name")
