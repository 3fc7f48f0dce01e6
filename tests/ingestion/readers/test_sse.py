"""The event-stream decoder, by the letter of the standard, fed whole, byte by byte and cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sse import Decoder, Event, decode


def plain(events: list[Event]) -> list[tuple[str, bytes]]:
    return [(event.event, event.data) for event in events if event.complete]


STREAMS = [
    (b"data: a\n\n", [("message", b"a")]),
    (b"data:a\n\n", [("message", b"a")]),
    (b"data:  a\n\n", [("message", b" a")]),
    (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [("message", b"a"), ("message", b"b"), ("message", b"c")]),
    (b"data: a\ndata: b\ndata\n\n", [("message", b"a\nb\n")]),
    (b": comment\n\ndata: a\n: more\n\n", [("message", b"a")]),
    (b"event: ping\n\ndata: a\n\n", [("message", b"a")]),
    (b"event: add\ndata: a\n\ndata: b\n\n", [("add", b"a"), ("message", b"b")]),
    (b"event: add\nevent\ndata: a\n\n", [("message", b"a")]),
    (b"id: 1\nretry: 5\nunknown: x\ndata: a\n\n", [("message", b"a")]),
    (b"\xef\xbb\xbfdata: a\n\n", [("message", b"a")]),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    (b" data: a\n\n", []),
    (b"data: a\n", []),
    (b"data: \xe2\x80\xa8\x0b\x0c\x85\n\n", [("message", b"\xe2\x80\xa8\x0b\x0c\x85")]),
    (b"data\n\n", [("message", b"")]),
    (b"data: a\r\n\n\r\n\ndata: b\n\r", [("message", b"a"), ("message", b"b")]),
    (b"", []),
]


@pytest.mark.parametrize(("stream", "expected"), STREAMS)
def test_whole(stream, expected):
    assert plain(decode(stream)) == expected


@pytest.mark.parametrize(("stream", "expected"), STREAMS)
def test_byte_by_byte(stream, expected):
    decoder = Decoder()
    events = [event for byte in stream for event in decoder.feed(bytes([byte]))]
    assert plain(events + decoder.finish()) == expected


@given(
    st.lists(st.sampled_from([b"data: a", b"event: x", b": c", b"\r", b"\n", b"\r\n", b"data", b"\xef\xbb\xbf"])),
    st.lists(st.integers(0, 60)),
)
def test_any_split_gives_the_same_events_at_the_same_places(pieces, cuts):
    stream = b"".join(pieces)
    places = [0, *sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]
    decoder = Decoder()
    events = [event for start, end in pairwise(places) for event in decoder.feed(stream[start:end])]
    assert events + decoder.finish() == decode(stream)


@given(st.binary())
def test_any_bytes(stream):
    decode(stream)


def test_a_cr_at_the_end_of_a_piece_waits_for_its_lf():
    decoder = Decoder()
    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"\n") == []
    assert plain(decoder.feed(b"\r\n")) == [("message", b"a")]


def test_an_event_without_its_blank_line_comes_back_as_incomplete():
    (event,) = decode(b'data: {"usage": 1}')
    assert (event.data, event.complete) == (b'{"usage": 1}', False)


def test_end_is_where_the_events_last_data_line_ends():
    stream = b"\xef\xbb\xbf: hi\r\n\r\ndata: one\r\ndata: two\r\n\r\nevent: x\ndata: three\n\n"
    for event, last in zip(decode(stream), (b"data: two", b"data: three"), strict=True):
        assert stream[: event.end].endswith(last)


def test_a_line_and_an_event_beyond_the_bound_are_given_up_and_counted():
    decoder = Decoder(limit=10)
    assert decoder.feed(b"data: 0123456789abcdef") == []
    assert decoder.feed(b"data: more of it\ndata: of the same event\n\ndata: ok\n\n") == [Event(b"ok", "message", 72)]
    assert [e.data for e in decoder.feed(b"data: 01234\ndata: 56789a\ndata: x\n\ndata: ok\n\n")] == [b"ok"]
    assert decoder.overflows == 2
