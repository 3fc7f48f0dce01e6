"""Walking over protobuf fields without a library and without decoding them. Pure."""

from collections.abc import Iterator

__all__ = ["Malformed", "fields", "varint"]


class Malformed(ValueError):  # noqa: N818 - a verdict on the body
    """The body is not what its content type says; the message says where."""


def varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    number = shift = 0
    while position < end and shift < 70:
        byte = body[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
    raise Malformed(f"a number before byte {position} does not end")


def fields(body: bytes, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield each field's number and wire type, and from where to where its content lies."""
    while position < end:
        tag, position = varint(body, position, end)
        wire = tag & 7
        start = position
        if wire == 2:
            size, start = varint(body, position, end)
            stop = start + size
        elif wire == 0:
            _, stop = varint(body, position, end)
        elif wire in {1, 5}:
            stop = position + (8 if wire == 1 else 4)
        else:
            raise Malformed(f"byte {position} is not the start of a protobuf field")
        if stop > end:
            raise Malformed(f"a field at byte {start} claims {stop - start} bytes where {end - start} are left")
        yield tag >> 3, wire, start, stop
        position = stop
