"""The Envelope: the contract between the gateway that writes the spool and everybody who reads it
(ingestion/envelope.proto).

Pure: no IO, no clock. Must never know what a body means. Reading a whole one is ingestion.envelope.decode, which loads
the protobuf library: the gateway only writes them.
"""

from ingestion.envelope.encode import (
    address_field,
    body_prefix,
    encode,
    encode_varint,
    end_fields,
    envelope_fields,
    exchange_prefix,
    frame,
    gap_fields,
    header_field,
    header_fields,
    identity_fields,
    opening_fields,
    request_body_prefix,
    request_fields,
    response_fields,
    seal,
    seal_exchange,
    start_fields,
)
from ingestion.envelope.model import CorruptFrame, Envelope, Exchange, Headers, Kind, Outcome, Peek
from ingestion.envelope.scan import checksum_matches, is_open, peek, read_varint

__all__ = [
    "CorruptFrame",
    "Envelope",
    "Exchange",
    "Headers",
    "Kind",
    "Outcome",
    "Peek",
    "address_field",
    "body_prefix",
    "checksum_matches",
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
    "is_open",
    "opening_fields",
    "peek",
    "read_varint",
    "request_body_prefix",
    "request_fields",
    "response_fields",
    "seal",
    "seal_exchange",
    "start_fields",
]
