"""Requests that begin like the one before on their connection, read without the parser. Pure.

A client's requests to one endpoint differ in their bodies, and so in the digits of Content-Length, and in nothing else
of their heads. Once the parser has read such a head, the next one that is the same byte for byte but for those digits
means the same: a comparison tells, and the body's bytes are counted. Everything that is not exactly so is the parser's
to read: other heads, chunked bodies, upgrades, further requests in the same read.
"""

import re

__all__ = ["RepeatedHead", "learn"]

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)(?=\r\n)", re.IGNORECASE)
_MOST_DIGITS = 15
# Their presence makes a head mean more than its words, or end the connection.
_NOT_PLAIN = frozenset({b"transfer-encoding", b"upgrade", b"expect", b"connection", b"proxy-connection", b"trailer"})


class RepeatedHead:
    """A head in two halves, around the digits of its Content-Length."""

    __slots__ = ("_at", "_before", "_behind")

    def __init__(self, before: bytes, behind: bytes) -> None:
        self._before = before
        self._at = len(before)
        self._behind = behind

    def match(self, data: bytes) -> tuple[bytes, int] | None:
        """Return the digits and where the body begins, if this is the beginning of `data` and no more than one
        request is in it.
        """
        if not data.startswith(self._before):
            return None
        at = self._at
        stop = data.find(b"\r", at, at + _MOST_DIGITS + 1)
        digits = data[at:stop]
        if stop < 0 or not digits.isdigit() or not data.startswith(self._behind, stop):
            return None
        body = stop + len(self._behind)
        return (digits, body) if len(data) - body <= int(digits) else None


def learn(
    data: bytes, *, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], length: bytes | None
) -> RepeatedHead | None:
    """Return the head at the beginning of `data`, if it plainly says what the parser found in it.

    `headers` are all but Content-Length, as the parser gave them. A head that it reads in some lenient way (bare line
    feeds, folded lines, spaces in odd places) is not learnt, for there the two readings differ.
    """
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end]
    lengths = list(_LENGTH.finditer(head))
    if end < 4 or length is None or [found[1] for found in lengths] != [length] or len(length) > _MOST_DIGITS:
        return None
    read: list[tuple[bytes, bytes]] = []
    request_line, *lines = head[:-4].split(b"\r\n")
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in _NOT_PLAIN:
            return None
        if name.lower() != b"content-length":
            read.append((name, value.strip(b" \t")))
    if request_line != b"%b %b HTTP/1.1" % (method, target) or read != headers or method == b"HEAD":
        return None
    return RepeatedHead(head[: lengths[0].start(1)], head[lengths[0].end(1) :])
