"""The handles that the rest of the product uses, against a running store and against none."""

import socket
import threading

import pytest

from ingestion.settings import StoreSettings
from ingestion.store.client import (
    EXACTLY_ONCE,
    SELECT_EXACTLY_ONCE,
    UNREPEATED,
    Address,
    QueryFailed,
    Store,
    StoreUnavailable,
    connect,
    parse_url,
)
from tests.store.serving import Served


def test_urls() -> None:
    assert parse_url("clickhouse://me:p%40ss@db:9001/app?secure=1&verify=0") == Address(
        host="db", port=9001, user="me", password="p@ss", database="app", secure=True, verify=False
    )
    assert parse_url("clickhouses://db").port == 9440
    assert parse_url("clickhouse://db") == Address("db", 9000, "default", "", "default")
    assert "p@ss" not in repr(parse_url("clickhouse://me:p%40ss@db"))


@pytest.mark.parametrize("url", ["http://db", "db:9000", "clickhouse://", "clickhouse://db/x?compression=1"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected clickhouse://|only secure and verify") as raised:
        parse_url(url.replace("db", "me:hidden@db"))
    assert "hidden" not in str(raised.value)


def test_nobody_there_is_unavailable() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    store = connect(StoreSettings.read({"SPANMETER_CLICKHOUSE_URL": f"clickhouse://127.0.0.1:{port}"}))
    with pytest.raises(StoreUnavailable, match=str(port)):
        store.writer.rows("SELECT 1")
    with pytest.raises(StoreUnavailable):
        store.wait(patience=0.1)


def test_a_line_that_breaks_is_unavailable_and_the_next_call_works() -> None:
    """A server that hangs up in mid-answer, once for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):
                peer, _address = listener.accept()
                peer.recv(1)
                peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"clickhouse://127.0.0.1:{listener.getsockname()[1]}"
        store = connect(StoreSettings.read({"SPANMETER_CLICKHOUSE_URL": url}))
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                store.reader.rows("SELECT 1", comment="test")
        thread.join()


def test_the_reader_cannot_write_and_says_who_asks(store: Store) -> None:
    asked = "SELECT query FROM system.processes WHERE query LIKE %(like)s"
    assert store.reader.rows(asked, {"like": "%SELECT query FROM system.processes%"}, comment="a 5% */ b") == [
        ("/* a 5% * / b */ SELECT query FROM system.processes WHERE query LIKE '%SELECT query FROM system.processes%'",)
    ]
    assert store.reader.rows("SELECT getSetting('max_memory_usage')", comment="a")[0][0] == 1_000_000_000
    with pytest.raises(QueryFailed) as raised:
        store.reader.rows("CREATE TABLE never (a UInt8) ENGINE = Memory", comment="x", settings={"readonly": 0})
    assert raised.value.code == 164
    with pytest.raises(ValueError, match="comment"):
        store.reader.rows("SELECT 1", comment=" ")


def test_results_streams_and_limits(store: Store) -> None:
    result = store.reader.result("SELECT %(n)s AS n WHERE 0", {"n": "x"}, comment="t")
    assert (result.rows, result.columns) == ([], [("n", "String")])
    stream = store.reader.stream("SELECT number FROM numbers(300000)", comment="t")
    assert next(stream) == (0,)
    assert sum(1 for _ in stream) == 299_999
    early = store.reader.stream("SELECT number FROM numbers(1e12)", comment="t")
    assert next(early) == (0,)
    early.close()  # type: ignore[attr-defined]
    with pytest.raises(QueryFailed) as raised:
        store.reader.rows(
            "SELECT groupArray(repeat('x', 1000)) FROM numbers(1000000)",
            comment="t",
            settings={"max_memory_usage": 5_000_000},
        )
    assert raised.value.code == 241


def test_every_setting_we_send_is_known_to_the_engine(store: Store) -> None:
    known = {name for (name,) in store.writer.rows("SELECT name FROM system.settings")}
    assert {*EXACTLY_ONCE, *SELECT_EXACTLY_ONCE, *UNREPEATED} <= known


def test_a_token_is_stored_once_and_no_token_each_time(store: Store) -> None:
    store.writer.command(
        "CREATE OR REPLACE TABLE once (a UInt64, s String) ENGINE = MergeTree ORDER BY a"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    rows: dict[str, list[object]] = {"a": [1, 2], "s": ["x", "y"]}
    for token in ("w/1/0-9/once", "w/1/0-9/once", "w/1/9-12/once"):
        assert store.writer.insert("once", rows, token=token) == 2
    assert store.writer.rows("SELECT count() FROM once") == [(4,)]
    for _ in range(2):
        store.writer.insert("once", rows, token="")
    assert store.writer.rows("SELECT count() FROM once") == [(8,)]
    for _ in range(2):
        store.writer.command("INSERT INTO once SELECT number, '' FROM numbers(5)", token="select/1")
    assert store.writer.rows("SELECT count() FROM once") == [(13,)]


def test_columns_must_fit_each_other(store: Store) -> None:
    with pytest.raises(ValueError, match="column s of once has 1 values where others have 2"):
        store.writer.insert("once", {"a": [1, 2], "s": ["x"]}, token="t")
    assert store.writer.insert("once", {"a": [], "s": []}, token="t") == 0


def test_a_wrong_password_is_told_with_its_code(served: Served) -> None:
    store = connect(StoreSettings.read({**served.environment, "SPANMETER_STORE_PASSWORD": "wrong"}))
    with pytest.raises(QueryFailed, match="Authentication failed") as raised:
        store.writer.rows("SELECT 1")
    assert raised.value.code == 516
