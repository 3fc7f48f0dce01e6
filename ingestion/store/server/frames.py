"""Compressed frames: 16 bytes of checksum, a method, two sizes, the content. Some clients insist on them, even on
loopback.

Read with LZ4 or as they are; written as they are, for on loopback bandwidth is free and time is not. Pure.
"""

import struct
from collections.abc import Iterator

from ingestion.store.server.cityhash import cityhash128
from ingestion.store.server.wire import ProtocolError

__all__ = ["HEADER_SIZE", "content_of", "framed", "size_of"]

HEADER_SIZE = 25
_SIZES = struct.Struct("<BII")
_NONE, _LZ4 = 0x02, 0x82
_LARGEST = 128 * 1024 * 1024
_PIECE = 1024 * 1024
_BAD_CHECKSUM, _BAD_CONTENT, _UNKNOWN_METHOD = 40, 271, 89


def framed(content: bytes) -> Iterator[bytes]:
    """Yield the frames of some content."""
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        body = _SIZES.pack(_NONE, len(piece) + _SIZES.size, len(piece)) + piece
        yield cityhash128(body) + body


def size_of(header: bytes) -> int:
    """Return how many bytes follow this header."""
    method, packed, plain = _SIZES.unpack_from(header, 16)
    if method not in {_NONE, _LZ4}:
        raise ProtocolError(
            f"compression method {method:#x} is not served; connect without compression, "
            "or set network_compression_method = 'LZ4'",
            code=_UNKNOWN_METHOD,
        )
    if not _SIZES.size <= packed <= _LARGEST or plain > _LARGEST:
        raise ProtocolError(f"a compressed frame of {packed} bytes for {plain}", code=_BAD_CONTENT)
    return int(packed) - _SIZES.size


def content_of(header: bytes, body: bytes) -> bytes:
    """Return what a frame holds."""
    if cityhash128(header[16:] + body) != header[:16]:
        raise ProtocolError("the checksum of a compressed frame does not match", code=_BAD_CHECKSUM)
    method, _packed, size = _SIZES.unpack_from(header, 16)
    try:
        content = _lz4(body, size) if method == _LZ4 else body
    except IndexError:
        content = b""
    if len(content) != size:
        raise ProtocolError(f"a compressed frame that does not hold the {size} bytes it announces", code=_BAD_CONTENT)
    return content


def _lz4(body: bytes, size: int) -> bytes:
    """Unpack an LZ4 block: literals and matches that repeat what was written before."""
    out = bytearray()
    at, end = 0, len(body)
    while at < end and len(out) <= size:
        token = body[at]
        at += 1
        literals = token >> 4
        if literals == 15:
            while True:
                more = body[at]
                at += 1
                literals += more
                if more != 255:
                    break
        out += body[at : at + literals]
        at += literals
        if at >= end:
            break
        distance = body[at] | body[at + 1] << 8
        at += 2
        length = (token & 15) + 4
        if length == 19:
            while True:
                more = body[at]
                at += 1
                length += more
                if more != 255:
                    break
        start = len(out) - distance
        if not distance or start < 0 or len(out) + length > size:
            return b""
        if distance >= length:
            out += out[start : start + length]
        else:  # a match that runs into itself repeats its beginning
            out += (out[start:] * (length // distance + 1))[:length]
    return bytes(out)
