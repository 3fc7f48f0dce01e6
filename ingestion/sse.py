"""Sans-IO decoder of `text/event-stream` (WHATWG HTML, "Server-sent events"): bytes in, events out.

Lines end with CR, LF or CRLF and nothing else (U+2028 inside a JSON string is text). Never parses the data, never
raises, never holds more than its bound.
"""

import re
from typing import NamedTuple

__all__ = ["Decoder", "Event", "decode"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 16 * 1024 * 1024


class Event(NamedTuple):
    """One event. `end` counts the stream's bytes up to the end of the event's last data line: the moment at which a
    client could have known it.
    """

    data: bytes
    event: str
    end: int
    complete: bool = True


class Decoder:
    """Feed it pieces of any size; it returns the events that became complete."""

    __slots__ = (
        "_data",
        "_data_bytes",
        "_dropping",
        "_end",
        "_event",
        "_held",
        "_limit",
        "_offset",
        "_skipping",
        "_started",
        "overflows",
    )

    def __init__(self, *, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held = b""  # an unfinished line
        self._offset = 0  # stream bytes before _held
        self._started = False
        self._event = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._end = 0
        self._skipping = False  # the rest of a line that outgrew the limit
        self._dropping = False  # the rest of an event that did
        self.overflows = 0  # events given up because they outgrew the limit

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that this piece completes."""
        buffer = self._held + piece if self._held else piece
        if not self._started:
            if len(buffer) < 3 and _BOM.startswith(buffer):
                self._held = buffer
                return []
            self._started = True
            if buffer.startswith(_BOM):
                buffer = buffer[3:]
                self._offset += 3
        events: list[Event] = []
        position = 0
        offset = self._offset
        if b"\r" in buffer:
            for match in _LINE_END.finditer(buffer):
                # A CR that ends the piece may be half of a CRLF: hold it until the next byte tells.
                if match.group() == b"\r" and match.end() == len(buffer):
                    break
                self._line(buffer[position : match.start()], offset + match.start(), events)
                position = match.end()
        else:
            find = buffer.find
            while (newline := find(b"\n", position)) >= 0:
                self._line(buffer[position:newline], offset + newline, events)
                position = newline + 1
        rest = buffer[position:]
        if len(rest) > self._limit:
            self._give_up()
            self._skipping = True
            position, rest = len(buffer), b""
        self._held = rest
        self._offset = offset + position
        return events

    def finish(self) -> list[Event]:
        """End of the stream. What was not closed by a blank line comes back with `complete=False`: the standard drops
        it, but a last usage chunk without its blank line is still the provider's word.
        """
        events: list[Event] = []
        held, self._held = self._held, b""
        line = held.removesuffix(b"\r")
        if held:
            self._line(line, self._offset + len(line), events)
        if self._data:
            events.append(Event(b"\n".join(self._data), self._name(), self._end, complete=False))
        self._reset()
        return events

    def _line(self, line: bytes, end: int, events: list[Event]) -> None:
        if self._skipping:
            self._skipping = False
        elif not line:
            if self._data:
                events.append(Event(b"\n".join(self._data), self._name(), self._end))
            self._dropping = False
            self._reset()
        elif self._dropping:
            pass
        elif line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data_bytes += len(value)
            if self._data_bytes > self._limit:
                self._give_up()
                return
            self._data.append(value)
            self._end = end
        elif line.startswith(b"event:"):
            self._event = line[7:] if line[6:7] == b" " else line[6:]
        elif line == b"data":
            self._data.append(b"")
            self._end = end
        elif line == b"event":
            self._event = b""

    def _give_up(self) -> None:
        self.overflows += not self._dropping
        self._dropping = True
        self._reset()

    def _name(self) -> str:
        return self._event.decode("utf-8", "replace") if self._event else "message"

    def _reset(self) -> None:
        self._event = b""
        self._data = []
        self._data_bytes = 0


def decode(stream: bytes) -> list[Event]:
    """Return every event of a whole stream, an unfinished last one included."""
    decoder = Decoder()
    events = decoder.feed(stream)
    events.extend(decoder.finish())
    return events
