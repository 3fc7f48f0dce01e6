"""Compressed frames: the checksum against known values, LZ4 by hand, and everything that can be wrong with a frame."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.store.server.cityhash import cityhash128
from ingestion.store.server.frames import HEADER_SIZE, content_of, framed, size_of
from ingestion.store.server.wire import ProtocolError


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "2b9ac064fc9df03d291ee592c340b53c"),
        (b"abc", "fe48775795f10f907e0db2556317a913"),
        (bytes(range(12)), "3f87120e38602718c20c93712b6ca989"),
        (bytes(range(100)), "d489710a51d96a83f90e6d0bf9fdd592"),
        (bytes(range(256)) * 2, "cba838989416d3a9b1bb00a34bb755b6"),
    ],
)
def test_the_checksum_is_the_one_of_clickhouse(data: bytes, expected: str) -> None:
    assert cityhash128(data).hex() == expected


def frame(method: int, body: bytes, size: int) -> tuple[bytes, bytes]:
    head = struct.pack("<BII", method, len(body) + 9, size)
    return cityhash128(head + body) + head, body


@given(st.binary(max_size=3000))
def test_what_is_framed_comes_back(content: bytes) -> None:
    back = b""
    for piece in framed(content):
        header, body = piece[:HEADER_SIZE], piece[HEADER_SIZE:]
        assert size_of(header) == len(body)
        back += content_of(header, body)
    assert back == content


def test_lz4_literals_matches_and_overlaps() -> None:
    # "abc", then 9 bytes from 3 back, then "xyz" alone at the end
    body = bytes([0x35]) + b"abc" + struct.pack("<H", 3) + bytes([0x30]) + b"xyz"
    assert content_of(*frame(0x82, body, 15)) == b"abc" * 4 + b"xyz"
    long = bytes([0xF0, 255, 20]) + b"q" * 290
    assert content_of(*frame(0x82, long, 290)) == b"q" * 290


@given(st.binary(max_size=200), st.integers(0, 5000))
def test_broken_lz4_is_refused(body: bytes, size: int) -> None:
    try:
        assert len(content_of(*frame(0x82, body, size))) == size
    except ProtocolError as error:
        assert error.code == 271  # noqa: PT017


def test_a_frame_that_is_wrong_says_how() -> None:
    header, _body = frame(0x02, b"abc", 3)
    with pytest.raises(ProtocolError, match="checksum"):
        content_of(header, b"abd")
    with pytest.raises(ProtocolError, match="LZ4"):
        size_of(frame(0x90, b"abc", 3)[0])
    with pytest.raises(ProtocolError, match="frame of"):
        size_of(bytes(16) + struct.pack("<BII", 0x82, 2**31, 5))
