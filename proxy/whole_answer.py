"""Answers that came whole in one read, read without the parser. Pure.

Most answers that are not streams do: a head with a Content-Length and exactly as many bytes behind it. Such a head is
read line by line, and what a line becomes (its line to the client, its field of the record) is remembered. This reads a
narrow subset, in which no two readings of HTTP/1.1 differ; whatever is not in it is left to the parser: chunks, other
framing, interim answers, answers without a body by their status, words about the connection, odd spaces, folded lines,
bare line feeds.
"""

import re
from typing import NamedTuple

from proxy.heads import answered

__all__ = ["WholeAnswer", "read_whole_answer"]

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([\x21-\x7e][\x20-\x7e]*)")
_FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)"
)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_NO_BODY = frozenset({204, 304})
_FOR_THE_PARSER = frozenset({b"transfer-encoding", b"upgrade", b"trailer", b"proxy-connection"})
_PLAIN, _REFUSED = -1, -2


class WholeAnswer(NamedTuple):
    """An answer: what of its head goes to the client, what is recorded of it, and its body."""

    status: int
    lines: list[bytes]
    recorded: list[bytes]
    body: bytes


# A line of a head: the line to the client, the field of the record, and the length that it states (or _PLAIN).
_Read = tuple[bytes, bytes, int]
_LINES: dict[bytes, _Read] = {}
_STATUSES: dict[bytes, int] = {}
_MOST_LINES = 4096
_LONGEST_REMEMBERED = 96


def read_whole_answer(data: bytes) -> WholeAnswer | None:
    """Return the answer that `data` is from its first byte to its last, or None: then the parser must look."""
    end = data.find(b"\r\n\r\n")
    status_line, *lines = data[:end].split(b"\r\n")
    status = _STATUSES.get(status_line) or _read_status(status_line)
    if end < 0 or not status:
        return None
    length = _PLAIN
    to_client, recorded = [status_line, b"\r\n"], []
    known = _LINES.get
    for line in lines:
        passed, field, stated = known(line) or _read_line(line)
        if stated != _PLAIN:
            if stated < 0 or length != _PLAIN:
                return None
            length = stated
        to_client.append(passed)
        recorded.append(field)
    if len(data) - end - 4 != length:
        return None
    return WholeAnswer(status, to_client, recorded, data[end + 4 :])


def _read_status(line: bytes) -> int:
    found = _STATUS.fullmatch(line)
    if found is None or int(found[1]) in _NO_BODY:
        return 0
    status = int(found[1])
    if len(_STATUSES) < _MOST_LINES and len(line) <= _LONGEST_REMEMBERED:
        _STATUSES[line] = status
    return status


def _read_line(line: bytes) -> _Read:
    found = _FIELD.fullmatch(line)
    if found is None:
        return b"", b"", _REFUSED
    name, value = found.groups()
    lower = name.lower()
    stated = _PLAIN
    if lower == b"content-length":
        stated = int(value) if _LENGTH.fullmatch(value) else _REFUSED
    elif lower in _FOR_THE_PARSER or (lower == b"connection" and value.lower() != b"keep-alive"):
        stated = _REFUSED
    passed, field, secret = answered(name, value)
    read = passed, field, stated
    if len(line) <= _LONGEST_REMEMBERED and not secret:
        if len(_LINES) >= _MOST_LINES:
            _LINES.clear()  # filled by values that come once, such as request ids; the others are soon back
        _LINES[line] = read
    return read
