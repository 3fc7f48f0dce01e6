"""The hand-written codec against google.protobuf reading the very .proto that documents it."""

import re
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.envelope import (
    CorruptFrame,
    Envelope,
    Exchange,
    Kind,
    Outcome,
    body_prefix,
    encode,
    frame,
    peek,
    seal,
)
from ingestion.envelope.decode import decode
from ingestion.envelope.exchange_message import EXCHANGE_FIELDS, HEADER_FIELDS

PROTO = Path(__file__).resolve().parents[2] / "ingestion" / "envelope.proto"
TYPES = {"uint64": 4, "uint32": 13, "fixed32": 7, "string": 9, "bytes": 12}


def _file_descriptor() -> descriptor_pb2.FileDescriptorProto:
    """Read the .proto (the small part of the language that it uses) into a descriptor."""
    text = re.sub(r"//[^\n]*", "", PROTO.read_text())
    file = descriptor_pb2.FileDescriptorProto(name="envelope.proto", syntax="proto3")
    for name, body in re.findall(r"enum (\w+) \{(.*?)\}", text, re.S):
        enum = file.enum_type.add(name=name)
        for value, number in re.findall(r"(\w+)\s*=\s*(\d+);", body):
            enum.value.add(name=value, number=int(number))
    enums = {enum.name for enum in file.enum_type}
    for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.S):
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in re.findall(r"(repeated )?(\w+) (\w+)\s*=\s*(\d+);", body):
            added = message.field.add(name=field, number=int(number), label=3 if repeated else 1)
            if kind in TYPES:
                added.type = TYPES[kind]
            else:
                added.type = 14 if kind in enums else 11
                added.type_name = f".{kind}"
    return file


POOL = descriptor_pool.DescriptorPool()
POOL.Add(_file_descriptor())
Oracle = message_factory.GetMessageClass(POOL.FindMessageTypeByName("Envelope"))

numbers = st.integers(0, 2**64 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
blobs = st.binary(max_size=300)
headers = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=150)), max_size=4).map(tuple)
exchanges = st.builds(
    Exchange,
    provider=texts,
    method=texts,
    url=texts,
    request_headers=headers,
    request_body=blobs,
    request_bytes=numbers,
    status=st.integers(0, 2**32 - 1),
    response_headers=headers,
    response_body=blobs,
    response_bytes=numbers,
    started_ns=numbers,
    sent_after_ns=numbers,
    first_byte_after_ns=numbers,
    first_body_after_ns=numbers,
    ended_after_ns=numbers,
    outcome=st.sampled_from(Outcome),
    outcome_detail=texts,
    marks=st.lists(numbers, max_size=6).map(tuple),
    client_address=texts,
)
envelopes = st.builds(
    Envelope,
    kind=st.sampled_from(Kind),
    project_id=numbers,
    received_ns=numbers,
    id=blobs,
    records=numbers,
    key_id=numbers,
    body_hash=blobs,
    content_type=texts,
    exchange=st.none() | exchanges,
    otlp=blobs,
    payload=blobs,
    loss_reason=texts,
    headers=headers,
)


def _as_oracle(envelope: Envelope):
    message = Oracle()
    for name in Envelope.__slots__:
        value = getattr(envelope, name)
        if name == "exchange":
            if value is None:
                continue
            message.exchange.SetInParent()
            for inner in Exchange.__slots__:
                _set(message.exchange, inner, getattr(value, inner))
        else:
            _set(message, name, value)
    return message


def _set(message, name, value):
    if name.endswith("headers"):
        for key, content in value:
            getattr(message, name).add(name=key, value=content)
    elif name == "marks":
        message.marks.extend(value)
    else:
        setattr(message, name, value)


@given(envelopes)
@settings(max_examples=300, deadline=None)
def test_protobuf_reads_what_we_write_and_we_read_what_protobuf_writes(envelope):
    ours = encode(envelope)
    read = Oracle.FromString(ours)
    assert ours[0] == 0x0D
    read.crc = 0
    assert read == _as_oracle(envelope)

    theirs = _as_oracle(envelope).SerializeToString(deterministic=True)
    assert decode(theirs, checked=True) == envelope
    assert decode(ours) == envelope


@pytest.mark.parametrize(("name", "table"), [("Exchange", EXCHANGE_FIELDS), ("Header", HEADER_FIELDS)])
def test_the_table_of_fields_is_the_one_that_the_proto_documents(name, table):
    described = POOL.FindMessageTypeByName(name)
    as_read = {TYPES["string"]: TYPES["bytes"], 14: TYPES["uint64"]}  # texts as bytes, enums as numbers
    assert table == {
        field.name: (field.number, as_read.get(field.type, field.type), 3 if field.is_repeated else 1)
        for field in described.fields
    }


def test_texts_that_are_not_utf_8_and_outcomes_of_a_later_version_are_read():
    content = b"\x1a\x04/\xff/a" + b"\x80\x01\x63" + b"\xfa\x7f\x01x"  # url, outcome 99, a field nobody knows
    message = b"\x10\x02" + b"\x52" + bytes([len(content)]) + content
    exchange = decode(message, checked=True).exchange
    assert exchange == Exchange(url="/\ufffd/a", outcome=Outcome.UNKNOWN)


@given(envelopes)
@settings(max_examples=50, deadline=None)
def test_peek_agrees_with_decode(envelope):
    seen = peek(encode(envelope))
    assert seen == (
        envelope.kind,
        envelope.project_id,
        envelope.received_ns,
        envelope.id,
        envelope.records,
        envelope.body_hash,
    )


@given(envelopes, st.data())
@settings(max_examples=150, deadline=None)
def test_any_flipped_byte_and_any_cut_is_found(envelope, data):
    message = bytearray(encode(envelope))
    position = data.draw(st.integers(0, len(message) - 1))
    message[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptFrame):
        decode(bytes(message))
    with pytest.raises(CorruptFrame):
        decode(encode(envelope)[:position])


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_garbage_is_corrupt_and_never_another_error(garbage):
    for read in (lambda raw: decode(raw, checked=True), peek):
        try:
            read(garbage)
        except CorruptFrame:
            continue


def test_body_prefix_and_body_are_the_envelope_that_encode_would_write():
    body = b"otlp bytes"
    prefix = body_prefix(
        kind=Kind.TRACES,
        project_id=7,
        received_ns=8,
        id=b"i" * 16,
        records=3,
        key_id=9,
        body_hash=b"h" * 16,
        size=len(body),
        otlp=True,
        headers=((b"user-agent", b"x"),),
    )
    expected = Envelope(
        kind=Kind.TRACES,
        project_id=7,
        received_ns=8,
        id=b"i" * 16,
        records=3,
        key_id=9,
        body_hash=b"h" * 16,
        otlp=body,
        headers=((b"user-agent", b"x"),),
    )
    framed = b"".join(seal([prefix, body]))
    assert framed == frame(encode(expected))


def test_the_body_is_handed_on_not_copied():
    body = b"x" * 100_000
    assert seal([b"prefix", body])[-1] is body


def test_a_kind_of_a_later_version_reads_as_unknown():
    message = Oracle(project_id=5)
    raw = message.SerializeToString() + b"\x10\x63"
    assert decode(raw, checked=True).kind is Kind.UNKNOWN
