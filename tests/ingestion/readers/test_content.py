"""Captured bodies: codings within bounds, character sets, JSON that is almost JSON."""

import gzip
import json
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingestion.content import decompress, describe_binary, is_binary, to_text
from ingestion.json_shape import as_count, as_decimal, dumps, loads, loads_cut

TEXT = json.dumps({"choices": [{"message": {"content": "नमस्ते " * 200}}]}).encode()


def raw_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush()


CODINGS = {
    "gzip": gzip.compress,
    "X-Gzip": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_codings(coding):
    assert decompress(CODINGS[coding](TEXT), encoding=coding).data == TEXT


@pytest.mark.parametrize("coding", CODINGS)
def test_a_cut_body_gives_its_beginning_and_never_raises(coding):
    packed = CODINGS[coding](bytes(range(256)) * 40 + TEXT)
    for cut in range(0, len(packed), 7):
        decoded = decompress(packed[:cut], encoding=coding)
        assert (bytes(range(256)) * 40 + TEXT).startswith(decoded.data)


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary())
def test_any_bytes_in_any_coding(coding, body):
    decompress(body, encoding=coding)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stops_at_the_bound(coding):
    packed = CODINGS[coding](b"\0" * 80_000_000)
    decoded = decompress(packed, encoding=coding, limit=1_000_000)
    assert len(decoded.data) <= 1_000_000
    assert "larger than" in decoded.note


def test_an_unknown_coding_is_named():
    assert "'snappy'" in decompress(b"x", encoding="snappy").note


def test_wire_offsets_become_decoded_offsets():
    squeezer = zlib.compressobj(wbits=31)
    first = squeezer.compress(b"data: one\n\n") + squeezer.flush(zlib.Z_SYNC_FLUSH)
    rest = squeezer.compress(b"data: two\n\n") + squeezer.flush()
    decoded = decompress(first + rest, encoding="gzip", offsets=(len(first), len(first + rest)))
    assert decoded.data == b"data: one\n\ndata: two\n\n"
    assert decoded.sizes == (11, 22)


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("é".encode(), "application/json", "é"),
        ("é".encode("latin-1"), "text/plain; charset=ISO-8859-1", "é"),
        (b"\xff\xfea", "application/json", "\ufffd\ufffda"),
        (b"a", "text/plain; charset=no-such", "a"),
        (b"a", 'text/plain; charset="utf-8"', "a"),
    ],
)
def test_text(data, content_type, text):
    assert to_text(data, content_type=content_type) == text


def test_binary_bodies_are_described_not_stored():
    assert is_binary("audio/mpeg", b"ID3")
    assert is_binary("", b"\0\1")
    assert not is_binary("application/json", b"{}")
    assert describe_binary("audio/mpeg", b"ID3", size=3).startswith("[audio/mpeg, 3 bytes, sha256 ")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'{"a": "\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a": "\\\\ud800", "b": "\\udc00"}', {"a": "\\ud800", "b": "\ufffd"}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b'{"a": 123456789012345678901234567890}', {"a": 1.2345678901234568e29}),
    ],
)
def test_json_that_servers_really_send(data, value):
    assert loads(data) == (value, "")


@pytest.mark.parametrize("data", [b"", b"  ", b"{", b"<html>", b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000])
def test_what_is_no_json_is_said(data):
    value, note = loads(data)
    assert value is None
    assert note


@given(st.binary())
def test_any_bytes_as_json(data):
    loads(data)
    loads_cut(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.data())
def test_a_cut_document_gives_its_complete_members(value, data):
    whole = json.dumps({"first": "kept", "rest": value}).encode()
    cut = data.draw(st.integers(len(b'{"first": "kept",'), len(whole)))
    found, note = loads_cut(whole[:cut])
    assert not note
    assert found["first"] == "kept"


def test_the_model_of_a_request_cut_in_its_image_is_known():
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"u'
    assert loads_cut(body)[0]["model"] == "gpt-4o"


@pytest.mark.parametrize(
    ("value", "count"), [(3, 3), (3.0, 3), (0, 0), (-1, None), (2.5, None), (True, None), ("3", None), (10**12, None)]
)
def test_counts(value, count):
    assert as_count(value) == count


def test_money_enters_by_its_shortest_text():
    assert str(as_decimal(0.1)) == "0.1"
    assert as_decimal(float("nan")) is None
    assert as_decimal("x") is None
    assert as_decimal(-1) is None


def test_dumps_takes_what_orjson_refuses():
    assert dumps({"a": "\ud800", "b": 2**70}) == '{"a":"\\ud800","b":1180591620717411303424}'
