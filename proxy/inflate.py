"""Decompressing a request body within limits. Pure.

A bomb is refused after little more than `most` bytes were made of it. The body is fed in slices, so that one of
very many small members costs no more than its length.
"""

import zlib
from collections.abc import Iterator

import zstandard

__all__ = ["ENCODINGS", "BodyTooLarge", "NotDecompressible", "inflate"]

ENCODINGS = ("identity", "gzip", "deflate", "zstd")
# Bodies this small may have any ratio: they hurt nobody, and short repetitive exports do compress a hundredfold.
_RATIO_MATTERS_FROM = 1024 * 1024
_STEP = 1024 * 1024
_SLICE = 4096
# zstandard cannot be told how much to give back. A block of 4 bytes may hold 128 KiB: so many bytes make 2 MiB at most.
_ZSTD_SLICE = 64
_ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 9659 grants a Content-Encoding; a decoder must hold it in memory


class BodyTooLarge(ValueError):  # noqa: N818 - a verdict on the body
    """Decompressed, the body is over the limit that the message names."""


class NotDecompressible(ValueError):  # noqa: N818 - a verdict on the body
    """The body is not what its Content-Encoding says."""


def inflate(body: bytes, *, encoding: str, most: int, ratio: int) -> bytes:
    """Return the decompressed body. gzip and zstd may have several members; deflate is with or without the zlib
    wrapping.
    """
    if encoding == "identity":
        return body
    allowed = min(most, max(_RATIO_MATTERS_FROM, len(body) * ratio))
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _unzstd(body) if encoding == "zstd" else _unzip(body, encoding):
            size += len(piece)
            if size > allowed:
                limit = (
                    f"SPANMETER_MAX_DECOMPRESSED_BYTES ({most})"
                    if allowed == most
                    else f"SPANMETER_MAX_DECOMPRESSION_RATIO ({ratio})"
                )
                raise BodyTooLarge(f"the decompressed body is over {limit}")
            pieces.append(piece)
    except (zlib.error, zstandard.ZstdError) as error:
        raise NotDecompressible(f"the body is not {encoding}: {error}") from error
    return b"".join(pieces)


def _unzip(body: bytes, encoding: str) -> Iterator[bytes]:
    window = 31 if encoding == "gzip" else 15
    if encoding == "deflate" and not _looks_wrapped(body):
        window = -15
    at = 0
    while at < len(body):
        machine = zlib.decompressobj(window)
        held = b""
        while not machine.eof:
            if not held:
                held = body[at : at + _SLICE]
                at += len(held)
            piece = machine.decompress(held, _STEP)
            held = machine.unconsumed_tail
            if not piece and not held and at == len(body) and not machine.eof:
                raise _cut_off(encoding)
            yield piece
        at -= len(machine.unused_data)


def _unzstd(body: bytes) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    at = 0
    while at < len(body):
        machine = decompressor.decompressobj()
        while not machine.eof:
            if at == len(body):
                raise _cut_off("zstd")
            part = body[at : at + _ZSTD_SLICE]
            at += len(part)
            yield machine.decompress(part)
        at -= len(machine.unused_data)


def _cut_off(encoding: str) -> NotDecompressible:
    return NotDecompressible(f"the {encoding} body is cut off")


def _looks_wrapped(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
