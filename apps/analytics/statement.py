"""One SELECT with its bound values: what sql/* makes and run.py executes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Bound", "Statement", "micros"]

# A tuple becomes (a, b), for IN; a list becomes the array [a, b].
Bound = str | int | float | tuple[str, ...] | tuple[int, ...] | list[str] | list[int]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with %(name)s places and the values for them. `tag` says which read this is, in ClickHouse's query log.

    `by_key`: the rows are found by the sort key alone. ClickHouse then leaves out what it does to make a plan better,
    which takes longer than such a read itself.
    """

    sql: str
    values: Mapping[str, Bound]
    tag: str
    by_key: bool = False


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Unix microseconds, exactly: a float would lose the last digit."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
