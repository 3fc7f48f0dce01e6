"""The alphabet of ClickHouse's native protocol: var-ints, strings, fixed-width numbers; to bytes, and from an `Inbox`
of arriving bytes.

Reading is incremental: every reader is a generator that yields when it has run out of bytes and goes on where it
stopped. Knows no packet, no socket.
"""

from collections.abc import Generator

__all__ = ["Inbox", "ProtocolError", "Reading", "text", "varint"]

Reading = Generator[None, None, None]

_NUMBER_MAX = 2**64 - 1


class ProtocolError(Exception):
    """The peer sent something that is not the protocol, or a part of it that is not served; the connection cannot
    go on.
    """

    def __init__(self, message: str, *, code: int = 101) -> None:
        super().__init__(message)
        self.code = code


def varint(number: int) -> bytes:
    """Return an unsigned LEB128."""
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    """Return a string with its length before it."""
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return varint(len(raw)) + raw


class Inbox:
    """Bytes that arrived and were not consumed yet. A consumer may tap what it walks over, so that it can be
    passed on.
    """

    __slots__ = ("_tap", "_tapped", "buffer", "position")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.position = 0
        self._tap = -1
        self._tapped: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Append arrived bytes, and forget the consumed ones."""
        if self.position:
            self._keep_tapped()
            del self.buffer[: self.position]
            self.position = 0
            if self._tap >= 0:
                self._tap = 0
        self.buffer += data

    def tap(self) -> None:
        """From here on, keep what is consumed until `tapped` takes it."""
        self._tap = self.position

    def tapped(self, *, last: bool = False) -> list[bytes]:
        """Return what was consumed since the tap was opened or emptied; `last` closes it."""
        self._keep_tapped()
        pieces, self._tapped = self._tapped, []
        if last:
            self._tap = -1
        return pieces

    def _keep_tapped(self) -> None:
        if 0 <= self._tap < self.position:
            with memoryview(self.buffer) as view:
                self._tapped.append(bytes(view[self._tap : self.position]))
            self._tap = self.position

    def byte(self) -> Generator[None, None, int]:
        """Read one byte."""
        while self.position >= len(self.buffer):
            yield
        value = self.buffer[self.position]
        self.position += 1
        return value

    def varint(self, limit: int = _NUMBER_MAX) -> Generator[None, None, int]:
        """Read an unsigned LEB128 of at most 64 bits."""
        number = shift = 0
        while True:
            while self.position >= len(self.buffer):
                yield
            value = self.buffer[self.position]
            self.position += 1
            number |= (value & 0x7F) << shift
            if value < 0x80:
                break
            shift += 7
            if shift > 63:
                raise ProtocolError("a number of more than 64 bits")
        if number > limit:
            raise ProtocolError(f"a length of {number} where at most {limit} is accepted")
        return number

    def take(self, count: int) -> Generator[None, None, bytes]:
        """Read exactly this many bytes."""
        while len(self.buffer) - self.position < count:
            yield
        start = self.position
        self.position += count
        return bytes(self.buffer[start : self.position])

    def text(self, limit: int) -> Generator[None, None, str]:
        """Read a string of at most `limit` bytes; bytes that are not UTF-8 are kept as surrogates, as the file
        system does.
        """
        count = yield from self.varint(limit)
        return (yield from self.take(count)).decode("utf-8", "surrogateescape")

    def skip(self, count: int) -> Reading:
        """Pass over this many bytes, without waiting for all of them to be here at once."""
        while True:
            here = len(self.buffer) - self.position
            if here >= count:
                self.position += count
                return
            self.position += here
            count -= here
            yield
