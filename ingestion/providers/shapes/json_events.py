"""The events of a captured stream whose data are JSON objects; the others are counted."""

from collections.abc import Iterator
from typing import Any

from ingestion.json_shape import loads
from ingestion.sse import Event, decode

__all__ = ["JsonEvents"]


class JsonEvents:
    """To be read once. `last` is what a provider sends at the end in place of JSON; `done` says that it came."""

    __slots__ = ("_body", "_last", "done", "unreadable")

    def __init__(self, body: bytes, *, last: bytes | None = None) -> None:
        self._body = body
        self._last = last
        self.done = False
        self.unreadable = 0

    def __iter__(self) -> Iterator[tuple[Event, dict[str, Any]]]:
        for event in decode(self._body):
            if event.data == self._last:
                self.done = True
                continue
            value, note = loads(event.data)
            if note or not isinstance(value, dict):
                self.unreadable += 1
                continue
            yield event, value

    @property
    def notes(self) -> tuple[str, ...]:
        """What to say of the others."""
        return (f"{self.unreadable} stream events are not JSON objects",) if self.unreadable else ()
