"""The protocol without a socket: what a real client sends, whole, byte by byte, cut anywhere, and made up."""

import itertools
import socket
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from clickhouse_driver import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.store.server import packets
from ingestion.store.server.packets import BlockEnd, BlockStart, Bytes, Cancel, Hello, InsertEnd, Ping, Query
from ingestion.store.server.protocol import Event, ServerProtocol
from ingestion.store.server.wire import ProtocolError, text, varint

HELLO = varint(0) + text("test") + varint(1) + varint(2) + varint(54500) + text("db") + text("me") + text("secret")
EMPTY_BLOCK = varint(2) + text("") + packets.BLOCK_INFO + varint(0) + varint(0)


def query(sql: str = "SELECT 1", *, options: bytes = b"\0", stage: int = 2) -> bytes:
    info = b"\1" + text("") + text("") + text("0.0.0.0:0") + b"\1" + text("u") + text("h") + text("c")
    info += varint(1) + varint(2) + varint(54500) + text("") + varint(0) + b"\0"
    return varint(1) + text("id-1") + info + options + text("") + varint(stage) + varint(0) + text(sql) + EMPTY_BLOCK


def block(columns: list[tuple[str, str, bytes]], rows: int) -> bytes:
    body = b"".join(text(name) + text(kind) + data for name, kind, data in columns)
    return varint(len(columns)) + varint(rows) + body


def data(content: bytes) -> bytes:
    return varint(2) + text("") + packets.BLOCK_INFO + content


def converse(pieces: list[bytes]) -> list[Event]:
    """Feed pieces; every query but an INSERT is answered at once."""
    protocol, seen = ServerProtocol(), []
    for piece in pieces:
        arrived = protocol.receive(piece)
        while arrived:
            for event in arrived:
                seen.append(event)
                if isinstance(event, Query):
                    if event.sql.startswith("INSERT"):
                        protocol.expect_insert()
                    else:
                        protocol.answered()
                elif isinstance(event, InsertEnd):
                    protocol.answered()
            arrived = protocol.receive(b"")
    return seen


def joined(events: list[Event]) -> list[Event]:
    """Put the pieces of a block together, so that conversations cut differently can be compared."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Bytes) and result and isinstance(result[-1], Bytes):
            result[-1] = Bytes(result[-1].piece + event.piece)
        else:
            result.append(event)
    return result


STRINGS = text("") + text("a" * 200) + text("é" * 20_000)
BLOCK = block(
    [
        ("s", "String", STRINGS),
        ("a", "Array(Array(UInt8))", b"".join(n.to_bytes(8, "little") for n in (1, 1, 3, 2, 2, 5)) + b"\1\2\3\4\5"),
        ("n", "Nullable(Decimal(18, 12))", b"\0\1\0" + bytes(24)),
    ],
    3,
)
CONVERSATION = (
    HELLO
    + varint(4)
    + query(options=text("max_threads") + b"\1" + text("2") + b"\0")
    + varint(3)
    + query("INSERT INTO t VALUES")
    + data(BLOCK)
    + data(BLOCK)
    + EMPTY_BLOCK
    + varint(4)
)


def test_a_whole_conversation_is_read_as_its_packets() -> None:
    events = joined(converse([CONVERSATION]))
    hello, ping, select, cancel, insert, *rest = events
    assert hello == Hello(client="test", revision=54500, database="db", user="me", password="secret")
    assert (ping, cancel) == (Ping(), Cancel())
    assert isinstance(select, Query)
    assert select.sql == "SELECT 1"
    assert select.options == (packets.Option("max_threads", "2", important=True),)
    assert isinstance(insert, Query)
    one = [BlockStart(3), Bytes(BLOCK), BlockEnd()]
    assert rest == [*one, *one, InsertEnd(), Ping()]


def test_it_is_the_same_byte_by_byte() -> None:
    whole = joined(converse([CONVERSATION]))
    assert joined(converse([CONVERSATION[at : at + 1] for at in range(len(CONVERSATION))])) == whole


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=20))
@settings(deadline=None, max_examples=60)
def test_it_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(CONVERSATION)]
    pieces = [CONVERSATION[start:end] for start, end in itertools.pairwise(edges)]
    assert joined(converse(pieces)) == joined(converse([CONVERSATION]))


@given(st.integers(0, len(CONVERSATION) - 1))
@settings(deadline=None, max_examples=60)
def test_a_cut_conversation_says_nothing_of_what_is_missing(end: int) -> None:
    seen = joined(converse([CONVERSATION[:end]]))
    whole = joined(converse([CONVERSATION]))
    for mine, theirs in zip(seen, whole, strict=False):
        assert mine == theirs or (isinstance(mine, Bytes) and isinstance(theirs, Bytes))
    assert len(seen) <= len(whole)


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=300)
def test_rubbish_is_refused_or_waited_for_and_nothing_else(rubbish: bytes) -> None:
    for start in (b"", HELLO, HELLO + query("INSERT INTO t VALUES") + varint(2) + text("") + packets.BLOCK_INFO):
        protocol = ServerProtocol()
        try:
            for event in protocol.receive(start):
                if isinstance(event, Query):
                    protocol.expect_insert()
            protocol.receive(rubbish)
        except ProtocolError as error:
            assert str(error)  # noqa: PT017
            with pytest.raises(ProtocolError):
                protocol.receive(HELLO)


@given(st.integers(0, len(CONVERSATION) - 1), st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_a_flipped_byte_never_raises_anything_but_a_protocol_error(at: int, value: int) -> None:
    try:
        converse([CONVERSATION[:at] + bytes((value,)) + CONVERSATION[at + 1 :]])
    except ProtocolError as error:
        assert str(error)  # noqa: PT017


def test_a_large_block_passes_without_being_collected() -> None:
    protocol = ServerProtocol()
    for event in protocol.receive(HELLO + query("INSERT INTO t VALUES")):
        if isinstance(event, Query):
            protocol.expect_insert()
    protocol.receive(varint(2) + text("") + packets.BLOCK_INFO + varint(1) + varint(1) + text("s") + text("String"))
    protocol.receive(varint(64 * 2**20))
    passed = 0
    for _ in range(64):
        events = protocol.receive(bytes(2**20))
        passed += sum(len(event.piece) for event in events if isinstance(event, Bytes))
        assert len(protocol._inbox.buffer) - protocol._inbox.position <= 2**20
    assert passed >= 63 * 2**20


def test_a_failed_insert_is_skipped_to_its_end() -> None:
    protocol = ServerProtocol()
    assert protocol.receive(HELLO + query("INSERT INTO t VALUES"))
    protocol.expect_insert()
    protocol.receive(data(BLOCK)[:30])
    protocol.skip_insert()
    rest = data(BLOCK)[30:] + data(BLOCK) + EMPTY_BLOCK + varint(4)
    assert [event for event in protocol.receive(rest) if not isinstance(event, Bytes)] == [Ping()]


def test_an_unknown_type_is_named() -> None:
    protocol = ServerProtocol()
    assert protocol.receive(HELLO + query("INSERT INTO t VALUES"))
    protocol.expect_insert()
    with pytest.raises(ProtocolError, match=r"AggregateFunction\(uniq, String\)") as raised:
        protocol.receive(data(block([("x", "AggregateFunction(uniq, String)", b"")], 1)))
    assert raised.value.code == 50


def test_a_query_that_is_not_utf8_keeps_its_bytes() -> None:
    sent = query().replace(text("SELECT 1"), varint(10) + b"SELECT '\xff'"[:10])
    found = [event for event in ServerProtocol().receive(HELLO + sent) if isinstance(event, Query)]
    assert found[0].sql.encode("utf-8", "surrogateescape") == b"SELECT '\xff'"[:10]


def test_http_on_this_port_is_told_what_it_met() -> None:
    with pytest.raises(ProtocolError, match="native protocol"):
        ServerProtocol().receive(b"GET / HTTP/1.1\r\n\r\n")


def test_an_old_client_sends_numbers_as_numbers() -> None:
    old = HELLO.replace(varint(54500), varint(54410))
    protocol = ServerProtocol(is_numeric=lambda name: name == "max_threads")
    info = b"\1" + text("") + text("") + text("") + b"\1" + text("") + text("") + text("") + varint(1) * 3
    info += text("") + varint(0)
    options = text("max_threads") + varint(300) + text("log_comment") + text("x") + b"\0"
    sent = varint(1) + text("") + info + options + varint(2) + varint(0) + text("SELECT 1")
    sent += varint(2) + text("") + packets.BLOCK_INFO + varint(0) + varint(0)
    found = [event for event in protocol.receive(old + sent) if isinstance(event, Query)]
    assert [(option.name, option.value) for option in found[0].options] == [
        ("max_threads", "300"),
        ("log_comment", "x"),
    ]


COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "u64": ("UInt64", [0, 2**64 - 1, 7]),
    "text": ("String", ["", "é" * 300, "x" * 70_000]),
    "fixed": ("FixedString(16)", [b"a" * 16, b"b" * 16, b"c" * 16]),
    "low": ("LowCardinality(String)", ["a", "b", "a"]),
    "low_null": ("LowCardinality(Nullable(String))", ["a", None, "a"]),
    "nullable": ("Nullable(UInt64)", [None, 1, None]),
    "decimal": ("Nullable(Decimal(18, 12))", [Decimal("0.000000000001"), None, Decimal(5)]),
    "wide": ("Decimal(38, 12)", [Decimal(1), Decimal(2), Decimal(3)]),
    "when": ("DateTime64(6, 'UTC')", [datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)] * 3),
    "second": ("DateTime('UTC')", [datetime(2026, 1, 2, tzinfo=UTC)] * 3),
    "day": ("Date", [date(2026, 1, 2)] * 3),
    "flag": ("Bool", [True, False, True]),
    "number": ("Float64", [0.5, -1.0, 3.0]),
    "tags": ("Array(LowCardinality(String))", [[], ["a", "b"], ["a"]]),
    "no_tags": ("Array(LowCardinality(String))", [[], [], []]),
    "map": ("Map(LowCardinality(String), String)", [{"k": "v" * 200}, {}, {"k": "", "l": "x"}]),
    "costs": ("Map(LowCardinality(String), Decimal(18, 12))", [{}, {"input": Decimal("1.5")}, {}]),
    "pair": ("Tuple(a UInt8, b String)", [(1, "x"), (2, ""), (3, "y")]),
    "nested": ("Array(Tuple(key String, value Array(Nullable(UInt32))))", [[("a", [1, None])], [], [("", [])]]),
    "enum": ("Enum8('a, b' = 1, 'c)' = 2)", ["a, b", "c)", "c)"]),
    "uuid": ("UUID", [UUID(int=5)] * 3),
    "address": ("IPv6", ["::1", "::2", "::3"]),
    "sum": ("SimpleAggregateFunction(sum, UInt64)", [1, 2, 3]),
}


@pytest.mark.parametrize("name", [*COLUMNS, "all"])
@pytest.mark.parametrize("size", [1, 65536])
def test_the_end_of_what_the_driver_writes_is_found(name: str, size: int) -> None:
    """The driver is the oracle: it ends its block with an empty one, which is only seen if the walk ended right."""
    chosen = COLUMNS if name == "all" else {name: COLUMNS[name]}
    seen: list[Event] = []
    header = packets.header_block([(column, kind) for column, (kind, _values) in chosen.items()])

    def serve(listener: socket.socket) -> None:
        protocol = ServerProtocol()
        server, _address = listener.accept()
        with server:
            while incoming := server.recv(size):
                for event in protocol.receive(incoming):
                    seen.append(event)
                    if isinstance(event, Hello):
                        server.sendall(packets.hello(version=(26, 9, 1), timezone="UTC", revision=packets.REVISION))
                    elif isinstance(event, Query):
                        protocol.expect_insert()
                        server.sendall(packets.DATA + packets.BLOCK_INFO + header)
                    elif isinstance(event, InsertEnd):
                        server.sendall(packets.END_OF_STREAM)
                        return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with Client("127.0.0.1", port=listener.getsockname()[1], send_receive_timeout=20) as driver:
            driver.execute("INSERT INTO t VALUES", [values for _kind, values in chosen.values()], columnar=True)
        thread.join(timeout=30)
    assert [type(event) for event in joined(seen)] == [Hello, Query, BlockStart, Bytes, BlockEnd, InsertEnd]
