"""gRPC's message framing: one byte of flags, four of length, the message. Pure; fed as it comes."""

from typing import NamedTuple

__all__ = ["BadFraming", "Message", "MessageReader", "MessageTooLarge", "framed"]

_PREFIX = 5


class BadFraming(ValueError):  # noqa: N818 - a verdict on the call
    """What came is not one gRPC message; the message says in what way."""


class MessageTooLarge(ValueError):  # noqa: N818 - a verdict on the call
    """The message claims more bytes than are taken."""


class Message(NamedTuple):
    """A message as it was sent."""

    compressed: bool
    body: bytes


class MessageReader:
    """Collects the one message of a unary call."""

    __slots__ = ("_body", "_claimed", "_compressed", "_head", "_most")

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._head = b""
        self._claimed = -1
        self._compressed = False
        self._body = bytearray()  # not a list of pieces: of single bytes that would take fifty times their room

    def feed(self, piece: bytes) -> None:
        """Take what came. Raises BadFraming or MessageTooLarge as soon as that can be told."""
        if self._claimed < 0:
            missing = _PREFIX - len(self._head)
            self._head += piece[:missing]
            piece = piece[missing:]
            if len(self._head) < _PREFIX:
                return
            self._begin()
        beyond = len(self._body) + len(piece) - self._claimed
        if beyond > 0:
            raise BadFraming(f"{beyond} bytes follow the message of {self._claimed}: a call has one message")
        self._body += piece

    def _begin(self) -> None:
        flag = self._head[0]
        if flag > 1:
            raise BadFraming(f"a message begins with the flag 0 or 1, found {flag}")
        self._compressed = flag == 1
        self._claimed = int.from_bytes(self._head[1:], "big")
        if self._claimed > self._most:
            raise MessageTooLarge(str(self._claimed))

    def whole(self) -> Message:
        """Return the message when the client has sent all. Raises BadFraming when it is not there or cut off."""
        if not self._head:
            raise BadFraming("the call ended without a message")
        if self._claimed < 0:
            raise BadFraming(f"the call ended after {len(self._head)} of the 5 bytes that begin a message")
        if len(self._body) < self._claimed:
            raise BadFraming(f"the message is cut off: {len(self._body)} of {self._claimed} bytes came")
        return Message(self._compressed, bytes(self._body))


def framed(message: bytes) -> bytes:
    """Return an uncompressed message with its prefix."""
    return b"\0" + len(message).to_bytes(4, "big") + message
