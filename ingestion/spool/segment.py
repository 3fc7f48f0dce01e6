"""Walking the frames of a segment: pure, over bytes that somebody else read.

A segment is frames one after another, each a varint length and an envelope that begins with its own checksum. A
reader may come while a writer appends, so the end of the bytes is no error: a frame that is not all there yet is
*torn*, the walk stops in front of it, and the caller tries again with more. What can never become right is told
instead of hidden: a frame of sane length with a wrong checksum is CORRUPT and the walk goes on behind it; after an
insane length nothing that follows can be found, so the rest of the bytes is one frame that is LOST.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from ingestion.envelope import checksum_matches

__all__ = ["LARGEST_FRAME", "Frame", "Soundness", "walk"]

# Nothing that a gateway accepts comes near this; a larger length is a damaged length.
LARGEST_FRAME = 1 << 30
_SMALLEST_FRAME = 7  # checksum and one field
_LONGEST_LENGTH = 5


class Soundness(Enum):
    """Whether a frame can be used."""

    SOUND = "sound"
    CORRUPT = "corrupt"
    LOST = "lost"


class Frame(NamedTuple):
    """One frame: where it starts and ends in the segment, its message (no copy), and whether it can be used."""

    start: int
    end: int
    message: memoryview
    soundness: Soundness = Soundness.SOUND


def walk(
    buffer: bytes | bytearray | memoryview, *, base: int = 0, largest: int = LARGEST_FRAME, check: bool = True
) -> Iterator[Frame]:
    """Yield the frames of `buffer`, which holds a segment's bytes from offset `base` on. Positions are the segment's.

    Stops in front of a torn frame: what the last frame's `end` leaves over is torn. `check=False` skips the checksums.
    """
    view = memoryview(buffer)
    size = len(view)
    position = 0
    while position < size:
        length = shift = 0
        at = position
        while True:
            if at >= size:
                return  # torn inside the length
            byte = view[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if at - position >= _LONGEST_LENGTH:
                length = largest + 1
                break
        if not _SMALLEST_FRAME <= length <= largest:
            yield Frame(base + position, base + size, view[position:], Soundness.LOST)
            return
        end = at + length
        if end > size:
            return  # torn
        message = view[at:end]
        sound = not check or checksum_matches(message)
        yield Frame(base + position, base + end, message, Soundness.SOUND if sound else Soundness.CORRUPT)
        position = end
