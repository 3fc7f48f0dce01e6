"""Envelope to bytes, by hand. Pure; no protobuf library, no opinion about what the bodies mean.

Writing is split into pieces (`request_fields`, `response_fields`, `end_fields`, `envelope_fields`, `seal`) so
that the gateway can encode an exchange's request once and use it in its OPEN and in its CLOSE, and so that bodies
are passed on to `writev` instead of being copied. `encode` is the same pieces put together for everybody else.
"""

from functools import lru_cache
from zlib import crc32

from ingestion.envelope.model import Envelope, Exchange, Headers

__all__ = [
    "address_field",
    "body_prefix",
    "encode",
    "encode_varint",
    "end_fields",
    "envelope_fields",
    "exchange_prefix",
    "frame",
    "gap_fields",
    "header_field",
    "header_fields",
    "identity_fields",
    "opening_fields",
    "request_body_prefix",
    "request_fields",
    "response_fields",
    "seal",
    "seal_exchange",
    "start_fields",
]

_ONE_BYTE = [bytes((number,)) for number in range(128)]
# Two bytes of a number at once: the last ones (of which the second may not be needed), and those that more follow.
_LAST = [*_ONE_BYTE, *(bytes((number & 0x7F | 0x80, number >> 7)) for number in range(128, 0x4000))]
_TWO_MORE = [bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(0x4000)]
_CRC_TAG = b"\x0d"


def encode_varint(number: int) -> bytes:
    """Return the base-128 form of a number that is not negative."""
    # Without a loop up to 42 bits (an hour in ns): lengths and times are most of what is written.
    if number < 0x4000:
        return _LAST[number]
    if number < 0x1000_0000:
        return _TWO_MORE[number & 0x3FFF] + _LAST[number >> 14]
    if number < 0x400_0000_0000:
        return _TWO_MORE[number & 0x3FFF] + _TWO_MORE[number >> 14 & 0x3FFF] + _LAST[number >> 28]
    return _TWO_MORE[number & 0x3FFF] + _TWO_MORE[number >> 14 & 0x3FFF] + encode_varint(number >> 28)


def _number(tag: bytes, number: int) -> bytes:
    return tag + encode_varint(number) if number else b""


def _bytes(tag: bytes, content: bytes) -> bytes:
    return tag + encode_varint(len(content)) + content if content else b""


def _text(tag: bytes, content: str) -> bytes:
    return _bytes(tag, content.encode("utf-8", "replace")) if content else b""


def header_field(field: int, name: bytes, value: bytes) -> bytes:
    """Return one entry of a repeated Header field."""
    inner = b"\x0a" + encode_varint(len(name)) + name + b"\x12" + encode_varint(len(value)) + value
    return encode_varint(field << 3 | 2) + encode_varint(len(inner)) + inner


def header_fields(field: int, headers: Headers | list[tuple[bytes, bytes]]) -> bytes:
    """Return a repeated Header field."""
    return b"".join([header_field(field, name, value) for name, value in headers])


def request_fields(*, provider: str, method: str, url: str, headers: Headers | list[tuple[bytes, bytes]]) -> bytes:
    """Return the fields of an Exchange that are known once its request's head was read."""
    return b"".join(
        (_text(b"\x0a", provider), _text(b"\x12", method), _text(b"\x1a", url), header_fields(4, headers))
    )  # fmt: skip


def request_body_prefix(size: int, total: int) -> bytes:
    """Return request_bytes and the tag and length of request_body, whose bytes must follow."""
    if not size:
        return _number(b"\x30", total)
    return b"\x30" + encode_varint(total) + b"\x2a" + encode_varint(size)


def response_fields(*, status: int, size: int, total: int) -> bytes:
    """Return the answer's fields but for its headers, which are header_fields(8, …), and its body, of which `size`
    bytes must follow.
    """
    fields = _number(b"\x38", status)
    if total:
        fields += b"\x50" + encode_varint(total)
    return fields + b"\x4a" + encode_varint(size) if size else fields


def gap_fields(*, at: int, size: int) -> bytes:
    """Return where bytes of response_body are missing, and how many."""
    return _number(b"\xa0\x01", at) + _number(b"\xa8\x01", size)


def start_fields(*, started_ns: int, client_address: str) -> bytes:
    """Return what is known of an exchange when it begins, beside its request."""
    return _number(b"\x58", started_ns) + _text(b"\x9a\x01", client_address)


def opening_fields(*, now_ns: int, id: bytes, address_field: bytes) -> tuple[bytes, bytes]:  # noqa: A002
    """Return identity_fields and start_fields of an exchange that begins as it is received, the time encoded once."""
    stamp = encode_varint(now_ns)
    return b"\x20" + stamp + b"\x2a\x10" + id, b"\x58" + stamp + address_field


def address_field(client_address: str) -> bytes:
    """Return client_address."""
    return _text(b"\x9a\x01", client_address)


def end_fields(
    *,
    sent_after_ns: int,
    first_byte_after_ns: int,
    first_body_after_ns: int,
    ended_after_ns: int,
    outcome: int,
    outcome_detail: str,
    marks: tuple[int, ...] | list[int],
) -> bytes:
    """Return the times of an exchange and how it ended."""
    # One call a number and no helper around it: this runs once an exchange. A time that is 0 takes its two bytes.
    varint = encode_varint
    fields = b"\x60%b\x68%b\x70%b\x78%b\x80\x01%b" % (
        varint(sent_after_ns),
        varint(first_byte_after_ns),
        varint(first_body_after_ns),
        varint(ended_after_ns),
        _ONE_BYTE[outcome],
    )
    if outcome_detail:
        fields += _text(b"\x8a\x01", outcome_detail)
    if marks:
        fields += _bytes(b"\x92\x01", b"".join(map(varint, marks)))
    return fields


@lru_cache(maxsize=4096)
def _constant_fields(kind: int, project_id: int, records: int, key_id: int) -> bytes:
    return b"".join(
        (
            _number(b"\x10", kind),
            _number(b"\x18", project_id),
            _number(b"\x30", records),
            _number(b"\x38", key_id),
        )
    )


def identity_fields(*, received_ns: int, id: bytes) -> bytes:  # noqa: A002 - the field's name
    """Return the two fields that tell one envelope of a key from another."""
    return _number(b"\x20", received_ns) + _bytes(b"\x2a", id)


def envelope_fields(*, kind: int, project_id: int, records: int, key_id: int, identity: bytes) -> bytes:
    """Return the fields that every envelope begins with (but for its checksum); `identity` is identity_fields(…)."""
    return _constant_fields(kind, project_id, records, key_id) + identity


def body_prefix(
    *,
    kind: int,
    project_id: int,
    received_ns: int,
    id: bytes,  # noqa: A002 - the field's name
    records: int,
    key_id: int,
    body_hash: bytes,
    size: int,
    otlp: bool,
    content_type: str = "",
    headers: Headers = (),
) -> bytes:
    """Return all of an envelope up to its body, which follows as it is: the fast path for OTLP and other raw bodies."""
    return b"".join(
        (
            _constant_fields(kind, project_id, records, key_id),
            identity_fields(received_ns=received_ns, id=id),
            _bytes(b"\x42", body_hash),
            _text(b"\x4a", content_type),
            header_fields(14, headers),
            (b"\x5a" if otlp else b"\x62") + encode_varint(size),
        )
    )


def exchange_prefix(size: int) -> bytes:
    """Return the tag and length of the Exchange of `size` bytes that must follow."""
    return b"\x52" + encode_varint(size)


def seal(parts: list[bytes]) -> list[bytes]:
    """Put the checksum and the frame's length in front of an envelope's fields. The parts are passed on, not copied."""
    checksum = 0
    size = 5
    for part in parts:
        checksum = crc32(part, checksum)
        size += len(part)
    return [encode_varint(size) + _CRC_TAG + checksum.to_bytes(4, "little"), *parts]


def seal_exchange(head: bytes, content: bytes) -> list[bytes]:
    """Do what `seal` does, for a small Exchange whose fields are one piece; `head` is envelope_fields(…)."""
    head += exchange_prefix(len(content))
    checksum = crc32(content, crc32(head))
    size = 5 + len(head) + len(content)
    return [encode_varint(size) + _CRC_TAG + checksum.to_bytes(4, "little") + head, content]


def _parts(envelope: Envelope) -> list[bytes]:
    parts = [
        _constant_fields(envelope.kind, envelope.project_id, envelope.records, envelope.key_id),
        identity_fields(received_ns=envelope.received_ns, id=envelope.id),
        _bytes(b"\x42", envelope.body_hash),
        _text(b"\x4a", envelope.content_type),
        _text(b"\x6a", envelope.loss_reason),
        header_fields(14, envelope.headers),
    ]
    if envelope.exchange is not None:
        exchange = _exchange_parts(envelope.exchange)
        parts += [exchange_prefix(sum(map(len, exchange))), *exchange]
    for tag, body in ((b"\x5a", envelope.otlp), (b"\x62", envelope.payload)):
        if body:
            parts += [tag + encode_varint(len(body)), body]
    return parts


def _exchange_parts(exchange: Exchange) -> list[bytes]:
    return [
        request_fields(
            provider=exchange.provider, method=exchange.method, url=exchange.url, headers=exchange.request_headers
        ),
        request_body_prefix(len(exchange.request_body), exchange.request_bytes),
        exchange.request_body,
        header_fields(8, exchange.response_headers),
        response_fields(status=exchange.status, size=len(exchange.response_body), total=exchange.response_bytes),
        exchange.response_body,
        gap_fields(at=exchange.response_gap_at, size=exchange.response_gap_bytes),
        start_fields(started_ns=exchange.started_ns, client_address=exchange.client_address),
        end_fields(
            sent_after_ns=exchange.sent_after_ns,
            first_byte_after_ns=exchange.first_byte_after_ns,
            first_body_after_ns=exchange.first_body_after_ns,
            ended_after_ns=exchange.ended_after_ns,
            outcome=exchange.outcome,
            outcome_detail=exchange.outcome_detail,
            marks=exchange.marks,
        ),
    ]


def encode(envelope: Envelope) -> bytes:
    """Return the message with its checksum, without a length in front."""
    parts = _parts(envelope)
    checksum = 0
    for part in parts:
        checksum = crc32(part, checksum)
    return b"".join((_CRC_TAG, checksum.to_bytes(4, "little"), *parts))


def frame(message: bytes) -> bytes:
    """Return the message with its length in front, as it stands in a segment."""
    return encode_varint(len(message)) + message
