"""When an exchange's opening record is written: two turns of the event loop after it began, unless it is over by then.

An opening says what was under way when a gateway died. An answer that comes within those turns makes one superfluous,
which spares every fast call half of its records; at 16 busy connections a turn is well under a millisecond, and an idle
loop goes through two at once. In any case an opening is written before the first piece of an answer that is not whole
is handed to the client (exchange.py does that): whoever has seen a piece of an answer finds its record.
"""

import asyncio
from typing import Protocol

__all__ = ["Openings"]


class Opened(Protocol):
    """An exchange, as far as it is known here."""

    def open_record(self) -> None:
        """Have the opening written, unless it was or the exchange is over."""


class Openings:
    """Exchanges by age: those of this turn and those of the last one."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._new: list[Opened] = []
        self._old: list[Opened] = []
        self._next: asyncio.Handle | None = None

    def add(self, exchange: Opened) -> None:
        """An exchange has begun."""
        if self._next is None:
            self._next = self._loop.call_soon(self._step)
        self._new.append(exchange)

    def _step(self) -> None:
        due, self._old, self._new = self._old, self._new, []
        self._next = self._loop.call_soon(self._step) if self._old else None
        for exchange in due:
            exchange.open_record()

    def close(self) -> None:
        """Write nothing any more: what is under way is ended and recorded by others."""
        if self._next is not None:
            self._next.cancel()
        self._new, self._old = [], []
