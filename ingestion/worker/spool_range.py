"""Reading a range of a segment, and finding the next sound frame after damage. Reads only; the spool stays as it is."""

import os
from dataclasses import dataclass
from pathlib import Path

from ingestion.envelope import checksum_matches
from ingestion.spool.segment import LARGEST_FRAME, Frame, Soundness, walk

__all__ = ["Range", "read_range"]

_CRC_TAG = 0x0D
_LEAST_READ = 256 * 1024


@dataclass(frozen=True, slots=True)
class Range:
    """Whole frames of one segment. `torn` bytes follow them that are no frame (yet)."""

    start: int
    end: int
    frames: tuple[Frame, ...]
    torn: int

    def up_to(self, count: int) -> "Range":
        """Return the range of the first `count` of the frames, which is at least one."""
        return Range(self.start, self.frames[count - 1].end, self.frames[:count], 0)


def read_range(
    path: Path, *, start: int, most_bytes: int, most_frames: int, end: int | None = None, complete: bool
) -> Range:
    """Return the frames from `start` on: up to `end` exactly, or as many as the bounds allow and the file holds.

    One frame is returned even when it is larger than the bounds. `complete` says that nobody will write this segment
    any more: then damage is skipped (as one LOST frame up to the next sound one) instead of waited for.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size if end is None else end
        wanted = min(size - start, most_bytes) if end is None else end - start
        while True:
            content = _read(file.fileno(), start, wanted)
            frames, rest = _frames(
                content, start, most_frames, last=start + len(content) >= size, complete=complete, exact=end is not None
            )
            if frames or start + len(content) >= size:
                break
            wanted = min(size - start, max(wanted * 4, _LEAST_READ))
    stop = frames[-1].end if frames else start
    return Range(start, stop, tuple(frames), rest)


def _read(descriptor: int, start: int, wanted: int) -> bytes:
    chunks = []
    while wanted > 0:
        chunk = os.pread(descriptor, wanted, start)
        if not chunk:
            break
        chunks.append(chunk)
        start += len(chunk)
        wanted -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _frames(
    content: bytes, base: int, most: int, *, last: bool, complete: bool, exact: bool
) -> tuple[list[Frame], int]:
    """Return frames and the number of bytes at the end that belong to none."""
    frames: list[Frame] = []
    view = memoryview(content)
    position = 0
    while position < len(content) and len(frames) < most:
        before = position
        lost = False
        for frame in walk(view[position:], base=base + position, largest=LARGEST_FRAME):
            if frame.soundness is Soundness.LOST:
                lost = True
                break
            frames.append(frame)
            position = frame.end - base
            if len(frames) >= most:
                break
        if len(frames) >= most:
            break
        torn = position < len(content)
        if not torn:
            break
        if not (last and complete) and not lost:
            break  # more bytes will tell, or this read was not long enough
        if lost and not last:
            break
        found = _next_sound(view, position + 1)
        if found is None:
            if (lost or exact) and complete:
                frames.append(Frame(base + position, base + len(content), view[position:], Soundness.LOST))
                position = len(content)
            break
        if not complete:
            break
        frames.append(Frame(base + position, base + found, view[position:found], Soundness.LOST))
        position = found
        if position == before:
            break
    used = (frames[-1].end - base) if frames else 0
    return frames, len(content) - used


def _next_sound(view: memoryview, position: int) -> int | None:
    """Return where the next frame with a right checksum begins."""
    content = bytes(view[position:])
    at = content.find(_CRC_TAG)
    while at != -1:
        for digits in range(1, 6):
            begin = at - digits
            if begin < 0:
                break
            length = _length(content, begin, digits)
            fits = length is not None and length >= 7 and at + length <= len(content)
            if fits and checksum_matches(memoryview(content)[at : at + (length or 0)]):
                return position + begin
        at = content.find(_CRC_TAG, at + 1)
    return None


def _length(content: bytes, begin: int, digits: int) -> int | None:
    length = 0
    for place in range(digits):
        byte = content[begin + place]
        if (byte < 0x80) != (place == digits - 1):
            return None
        length |= (byte & 0x7F) << (7 * place)
    return length
