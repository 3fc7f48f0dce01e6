"""An answer of which the capture kept the beginning and the end, made readable: the gap is bridged where the format
allows it.

An event stream goes on with the first event that is whole behind the gap; what the gap cut is dropped, and a
comment in the stream says so. Of a JSON document the beginning can be read, and the usage where that stands at the
end; of everything else, and of compressed bodies, only the beginning. Pure.
"""

import re
from typing import Any, NamedTuple

from ingestion.json_shape import as_dict, loads, path_of

__all__ = ["Bridged", "bridge", "usage_at_end"]

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_USAGE = re.compile(rb',\s*("usage"\s*:)')
# Of JSON that is read from its end: a string, or a bracket. A quote before an odd number of backslashes ends no string.
_BACKWARDS = re.compile(rb'"(?:[^"]++|"(?=\\(?:\\\\)*+(?!\\)))*+(?:"|\Z)|[{}\[\]]')
_MOST_TRIES = 8


class Bridged(NamedTuple):
    """A stream without the events that the gap cut, and the rest of the event that the gap ended in."""

    body: bytes
    fragment: bytes


def bridge(body: bytes, *, at: int, missing: int) -> Bridged:
    """Join an event stream of which `missing` bytes were not kept at `at`."""
    beginning, end = body[:at], body[at:]
    whole = max(
        (beginning.rfind(line) + len(line) for line in (b"\n\n", b"\r\n\r\n", b"\r\r") if line in beginning), default=0
    )
    found = _BLANK_LINE.search(end)
    fragment, rest = (end[: found.start()], end[found.end() :]) if found else (end, b"")
    dropped = missing + len(body) - whole - len(rest)
    return Bridged(b"%b: %d bytes are missing here\n\n%b" % (beginning[:whole], dropped, rest), fragment)


def usage_at_end(fragment: bytes, *, depth: int = 1) -> dict[str, Any]:
    """Return the usage object at the end of a JSON document whose beginning is missing, or {}.

    `depth`: in how many objects it stands; 1 is a member of the document itself. Taken is only what goes on to the very
    end as a member at that depth, of objects of which at least the outermost began before the fragment: not the usage
    of some inner object, nor of a document cut off. A quote inside a JSON string is escaped, so a member's name cannot
    be mistaken for text of the answer.
    """
    beginning = b'{"in":' * (depth - 1) + b"{"
    places = [found.start(1) for found in _USAGE.finditer(fragment)]
    for place in reversed(places[-_MOST_TRIES:]):
        value, note = loads(beginning + fragment[place:])
        if not note and _opened(fragment[:place]) < depth:
            return as_dict(path_of(value, *["in"] * (depth - 1), "usage"))
    return {}


def _opened(beginning: bytes) -> int:
    """Return how many brackets are open at the end of this piece of JSON that were opened in it."""
    opened = closed = 0
    for token in _BACKWARDS.finditer(beginning[::-1]):
        mark = token.group()
        if mark in (b"}", b"]"):
            closed += 1
        elif mark in (b"{", b"["):
            if closed:
                closed -= 1
            else:
                opened += 1
    return opened
