"""Walking a segment: torn tails wait, damage is told, everything else is found."""

import itertools

import pytest

from ingestion.envelope import Envelope, Kind, encode, frame
from ingestion.envelope.decode import decode
from ingestion.spool.segment import Soundness, walk

ENVELOPES = [
    Envelope(kind=Kind.TRACES, project_id=number, id=bytes(16), otlp=b"o" * (number * 70)) for number in range(1, 6)
]
FRAMES = [frame(encode(envelope)) for envelope in ENVELOPES]
SEGMENT = b"".join(FRAMES)


def test_whole_segment():
    frames = list(walk(SEGMENT))
    assert [decode(found.message) for found in frames] == ENVELOPES
    assert frames[0].start == 0
    assert frames[-1].end == len(SEGMENT)
    assert all(left.end == right.start for left, right in itertools.pairwise(frames))


def test_cut_anywhere_gives_the_whole_frames_before_the_cut():
    ends = list(itertools.accumulate(map(len, FRAMES)))
    for cut in range(len(SEGMENT)):
        frames = list(walk(SEGMENT[:cut]))
        assert [found.end for found in frames] == [end for end in ends if end <= cut]
        assert all(found.soundness is Soundness.SOUND for found in frames)
        # The reader goes on from where the walk stopped, with what came later.
        base = frames[-1].end if frames else 0
        rest = list(walk(SEGMENT[base:], base=base))
        assert [decode(found.message) for found in frames + rest] == ENVELOPES
        assert rest[-1].end == len(SEGMENT)


def test_a_corrupt_frame_is_told_and_the_next_ones_are_read():
    damaged = bytearray(SEGMENT)
    damaged[len(FRAMES[0]) + 20] ^= 1
    found = list(walk(damaged))
    assert [one.soundness for one in found] == [Soundness.SOUND, Soundness.CORRUPT] + [Soundness.SOUND] * 3
    assert found[1].start == len(FRAMES[0])
    assert found[1].end == len(FRAMES[0]) + len(FRAMES[1])


@pytest.mark.parametrize("junk", [b"\x00" * 50, b"\xff" * 50, b"\xff\xff\xff\xff\x7f" + b"x" * 45, b"\x05hello"])
def test_an_insane_length_loses_the_rest_in_one_frame(junk):
    found = list(walk(FRAMES[0] + junk + FRAMES[1]))
    assert [one.soundness for one in found] == [Soundness.SOUND, Soundness.LOST]
    assert found[1].start == len(FRAMES[0])
    assert found[1].end == len(FRAMES[0]) + len(junk) + len(FRAMES[1])


def test_messages_are_views_not_copies():
    buffer = bytearray(SEGMENT)
    message = next(walk(buffer)).message
    assert isinstance(message, memoryview)
    assert message.obj is buffer
