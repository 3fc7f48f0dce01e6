"""The message Exchange of ingestion/envelope.proto, as the protobuf library reads it.

By hand this took four times as long, a fifth of what ingest does for an exchange. Texts are declared as bytes: what a
client sent need not be UTF-8, and the library would refuse the whole message. A test holds the table to the .proto.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ingestion.envelope.model import CorruptFrame, Exchange, Outcome

__all__ = ["EXCHANGE_FIELDS", "HEADER_FIELDS", "read_exchange_message"]

_Type = descriptor_pb2.FieldDescriptorProto
_BYTES, _U64, _U32, _HEADER = _Type.TYPE_BYTES, _Type.TYPE_UINT64, _Type.TYPE_UINT32, _Type.TYPE_MESSAGE
_ONE, _MANY = _Type.LABEL_OPTIONAL, _Type.LABEL_REPEATED
HEADER_FIELDS = {"name": (1, _BYTES, _ONE), "value": (2, _BYTES, _ONE)}
EXCHANGE_FIELDS = {
    "provider": (1, _BYTES, _ONE),
    "method": (2, _BYTES, _ONE),
    "url": (3, _BYTES, _ONE),
    "request_headers": (4, _HEADER, _MANY),
    "request_body": (5, _BYTES, _ONE),
    "request_bytes": (6, _U64, _ONE),
    "status": (7, _U32, _ONE),
    "response_headers": (8, _HEADER, _MANY),
    "response_body": (9, _BYTES, _ONE),
    "response_bytes": (10, _U64, _ONE),
    "started_ns": (11, _U64, _ONE),
    "sent_after_ns": (12, _U64, _ONE),
    "first_byte_after_ns": (13, _U64, _ONE),
    "first_body_after_ns": (14, _U64, _ONE),
    "ended_after_ns": (15, _U64, _ONE),
    "outcome": (16, _U64, _ONE),
    "outcome_detail": (17, _BYTES, _ONE),
    "marks": (18, _U64, _MANY),
    "client_address": (19, _BYTES, _ONE),
    "response_gap_at": (20, _U64, _ONE),
    "response_gap_bytes": (21, _U64, _ONE),
}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def _message() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="spanmeter/exchange.proto", package="spanmeter", syntax="proto3")
    for name, fields in (("Header", HEADER_FIELDS), ("Exchange", EXCHANGE_FIELDS)):
        message = file.message_type.add(name=name)
        for field, (number, kind, label) in fields.items():
            added = message.field.add(name=field, number=number, type=kind, label=label)
            if kind == _HEADER:
                added.type_name = ".spanmeter.Header"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("spanmeter.Exchange"))


_Message = _message()


def read_exchange_message(content: bytes) -> Exchange:
    """Read an Exchange. Raises CorruptFrame."""
    try:
        read = _Message.FromString(content)
    except DecodeError as error:
        raise CorruptFrame(f"an exchange of {len(content)} bytes cannot be read: {error}") from None
    return Exchange(
        provider=_text(read.provider),
        method=_text(read.method),
        url=_text(read.url),
        request_headers=tuple([(header.name, header.value) for header in read.request_headers]),
        request_body=read.request_body,
        request_bytes=read.request_bytes,
        status=read.status,
        response_headers=tuple([(header.name, header.value) for header in read.response_headers]),
        response_body=read.response_body,
        response_bytes=read.response_bytes,
        started_ns=read.started_ns,
        sent_after_ns=read.sent_after_ns,
        first_byte_after_ns=read.first_byte_after_ns,
        first_body_after_ns=read.first_body_after_ns,
        ended_after_ns=read.ended_after_ns,
        outcome=_OUTCOMES.get(read.outcome, Outcome.UNKNOWN),
        outcome_detail=_text(read.outcome_detail),
        marks=tuple(read.marks),
        client_address=_text(read.client_address),
        response_gap_at=read.response_gap_at,
        response_gap_bytes=read.response_gap_bytes,
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
