"""From a captured body to readable bytes and text: content codings within bounds, character sets, binary bodies told
apart. Never raises on any bytes; what could not be read is said in a note.
"""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Decoded", "decompress", "describe_binary", "is_binary", "to_text"]

MAX_DECODED_BYTES = 64 * 1024 * 1024
MAX_RATIO = 400
_STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body without its content coding. `sizes`: for each wire offset asked for, how many decoded bytes came by it."""

    data: bytes
    note: str = ""
    sizes: tuple[int, ...] = ()


def decompress(body: bytes, *, encoding: str, offsets: Sequence[int] = (), limit: int = MAX_DECODED_BYTES) -> Decoded:
    """Undo a Content-Encoding. A cut or broken body yields what could be decoded before the break."""
    coding = encoding.strip().lower()
    if not coding or coding == "identity" or not body:
        return Decoded(body, sizes=tuple(offsets))
    opener = _OPENERS.get(coding)
    if opener is None:
        return Decoded(b"", note=f"content-encoding {coding[:40]!r} is not one that can be read")
    bound = min(limit, max(len(body) * MAX_RATIO, 64 * 1024))
    try:
        step = opener(body)
    except ImportError:
        return Decoded(b"", note=f"content-encoding {coding!r} needs a package that is not installed")
    out = bytearray()
    sizes: list[int] = []
    note = ""
    position = 0
    for stop in [*sorted({offset for offset in offsets if 0 < offset < len(body)}), len(body)]:
        try:
            for piece in step(body[position:stop]):
                out += piece
                if len(out) > bound:
                    note = f"decompressed body is larger than {bound} bytes"
                    break
        except Exception as error:  # each codec has its own exception type, all meaning broken data
            note = f"{coding} body is broken after {len(out)} bytes ({str(error)[:80]})"
        sizes.append(len(out))
        position = stop
        if note:
            break
    known = dict(zip(sorted({offset for offset in offsets if 0 < offset < len(body)}), sizes, strict=False))
    return Decoded(bytes(out[:bound]), note, tuple(known.get(offset, len(out)) for offset in offsets))


def to_text(data: bytes, *, content_type: str = "") -> str:
    """Return the text of a body: its declared character set when Python knows it, UTF-8 otherwise; never raises."""
    charset = "utf-8"
    if "charset=" in content_type:
        charset = content_type.partition("charset=")[2].partition(";")[0].strip(" \"'").lower() or "utf-8"
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def is_binary(content_type: str, data: bytes) -> bool:
    """Tell whether a body is no text: audio, images, multipart uploads."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith(("audio/", "image/", "video/", "multipart/", "font/")):
        return True
    if kind in {"application/octet-stream", "application/zip", "application/pdf", "application/vnd.amazon.eventstream"}:
        return True
    return not kind and b"\0" in data[:1024]


def describe_binary(content_type: str, data: bytes, *, size: int) -> str:
    """Return the words stored instead of a binary body."""
    kind = content_type.partition(";")[0].strip().lower() or "binary"
    return f"[{kind[:80]}, {size} bytes, sha256 {hashlib.sha256(data).hexdigest()}]"


Step = Callable[[bytes], Any]


def _zlib(window: int) -> Callable[[bytes], Step]:
    def opener(body: bytes) -> Step:
        bits = window
        if window == zlib.MAX_WBITS and body[:1] and (body[0] & 0x0F != 8 or int.from_bytes(body[:2], "big") % 31):
            bits = -zlib.MAX_WBITS  # "deflate" without the zlib wrapper, as several servers send it
        decoder = zlib.decompressobj(bits)

        def step(piece: bytes) -> Any:
            while piece:
                yield decoder.decompress(piece, _STEP)
                piece = decoder.unconsumed_tail
                if decoder.eof:
                    return

        return step

    return opener


def _brotli(_body: bytes) -> Step:
    import brotli

    decoder = brotli.Decompressor()

    def step(piece: bytes) -> Any:
        yield decoder.process(piece, output_buffer_limit=_STEP)
        while not decoder.can_accept_more_data():
            more = decoder.process(b"", output_buffer_limit=_STEP)
            if not more:
                return
            yield more

    return step


def _zstandard(_body: bytes) -> Step:
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()

    def step(piece: bytes) -> Any:
        # decompressobj has no output bound; a block of 4 bytes may hold 128 KiB, so 64 bytes a step bound it to 2 MiB.
        for start in range(0, len(piece), 64):
            if decoder.eof:
                return
            yield decoder.decompress(piece[start : start + 64])

    return step


_OPENERS: dict[str, Callable[[bytes], Step]] = {
    "gzip": _zlib(zlib.MAX_WBITS | 16),
    "x-gzip": _zlib(zlib.MAX_WBITS | 16),
    "deflate": _zlib(zlib.MAX_WBITS),
    "br": _brotli,
    "zstd": _zstandard,
}
