"""The packets of the native protocol that the store speaks, as values (what a client sent) and as bytes (what it is
answered).

The announced revision is old on purpose: from 54454 on, a column may come in a serialisation of its own, and Native
blocks could no longer pass between engine and client as they are. Every client steps down to what a server announces.
"""

import struct
from dataclasses import dataclass

from ingestion.store.server.wire import text, varint

__all__ = [
    "DATA",
    "END_OF_STREAM",
    "PONG",
    "REVISION",
    "BlockEnd",
    "BlockStart",
    "Bytes",
    "Cancel",
    "Hello",
    "InsertEnd",
    "Option",
    "Ping",
    "Query",
    "TablesStatus",
    "exception",
    "header_block",
    "hello",
    "progress",
    "tables_status",
]

REVISION = 54447
OLDEST_CLIENT = 54401
BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not overflowed, bucket -1
DATA = varint(1) + text("")  # then BLOCK_INFO and a Native block, in frames if the client compresses
PONG = varint(4)
END_OF_STREAM = varint(5)

WRITE_INFO_SINCE = 54420
SETTINGS_AS_TEXT_SINCE = 54429
SECRET_SINCE = 54441
TRACING_SINCE = 54442
FORWARDED_SINCE = 54443
REFERER_SINCE = 54447


@dataclass(frozen=True, slots=True)
class Hello:
    """A client introduces itself. The password must not be printed."""

    client: str
    revision: int
    database: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Hello(client={self.client!r}, revision={self.revision}, user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting that came with a query; `important`: the client wants an error when it is not known."""

    name: str
    value: str
    important: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query, after the block that ends its external tables has been read. `external` names those that carried
    rows.
    """

    id: str
    sql: str
    options: tuple[Option, ...]
    stage: int
    compressed: bool
    external: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there?"""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the running query."""


@dataclass(frozen=True, slots=True)
class TablesStatus:
    """Are these tables (database, name) here and not behind? Asked by servers that are clients, as in `remote()`."""

    tables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BlockStart:
    """A block of an insert begins."""

    rows: int


@dataclass(frozen=True, slots=True)
class Bytes:
    """The next piece of the block, as it came."""

    piece: bytes


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """The block is whole."""


@dataclass(frozen=True, slots=True)
class InsertEnd:
    """The empty block: the client has sent all rows."""


def hello(*, version: tuple[int, int, int], timezone: str, revision: int) -> bytes:
    """Answer a Hello."""
    major, minor, patch = version
    return b"".join(
        (
            varint(0),
            text("Spanmeter"),
            varint(major),
            varint(minor),
            varint(revision),
            text(timezone),
            text("spanmeter"),
            varint(patch),
        )
    )


def exception(code: int, message: str) -> bytes:
    """Say what went wrong, with ClickHouse's code."""
    raw = message.encode("utf-8", "replace")
    return varint(2) + struct.pack("<i", code) + text("DB::Exception") + text(raw) + text("") + b"\0"


def header_block(columns: list[tuple[str, str]]) -> bytes:
    """Return a Native block of these columns (name, type) and no rows."""
    return varint(len(columns)) + varint(0) + b"".join(text(name) + text(kind) for name, kind in columns)


def progress(*, revision: int, written_rows: int) -> bytes:
    """Say how many rows an insert has written."""
    if revision < WRITE_INFO_SINCE:
        return b""  # clients from before do not expect one after an insert
    return varint(3) + varint(0) * 3 + varint(written_rows) + varint(0)


def tables_status(tables: tuple[tuple[str, str], ...]) -> bytes:
    """Name the tables that are here; none of them is replicated."""
    return (
        varint(9) + varint(len(tables)) + b"".join(text(database) + text(table) + b"\0" for database, table in tables)
    )
