"""Native blocks that are whole and in memory: which columns, and where does one end and the next begin? Pure."""

from collections.abc import Generator
from typing import TypeVar

from ingestion.store.server.columns import shape_of
from ingestion.store.server.wire import Inbox, ProtocolError

__all__ = ["columns_of", "split"]

T = TypeVar("T")
_NAME_MAX = 2**20


def _at_once(reading: Generator[None, None, T]) -> T:
    try:
        next(reading)
    except StopIteration as done:
        result: T = done.value
        return result
    raise ProtocolError("a Native block that ends too early")


def columns_of(block: bytes) -> list[tuple[str, str]]:
    """Return name and type of a block's columns. They stand between the values, so the block is walked."""
    inbox = Inbox()
    inbox.add(block)
    return _at_once(_block(inbox))


def split(answer: bytes) -> Generator[bytes, None, None]:
    """Cut blocks that stand one behind another: a Data packet holds exactly one."""
    inbox = Inbox()
    inbox.add(answer)
    while inbox.position < len(answer):
        start = inbox.position
        _at_once(_block(inbox))
        yield answer[start : inbox.position]


def _block(inbox: Inbox) -> Generator[None, None, list[tuple[str, str]]]:
    found = []
    columns = yield from inbox.varint()
    rows = yield from inbox.varint()
    for _ in range(columns):
        name = yield from inbox.text(_NAME_MAX)
        kind = yield from inbox.text(_NAME_MAX)
        found.append((name, kind))
        shape = shape_of(kind)
        if rows:
            yield from shape.prefix(inbox)
            yield from shape.values(inbox, rows)
    return found
