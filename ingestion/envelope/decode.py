"""Bytes to Envelope. Pure. Unknown fields are skipped, so an older reader reads what a newer gateway wrote."""

from ingestion.envelope.exchange_message import read_exchange_message
from ingestion.envelope.model import CorruptFrame, Envelope, Kind
from ingestion.envelope.scan import Buffer, checksum_matches, fields_of

__all__ = ["decode"]

_WORTH_COPYING = 64 * 1024  # bytes: an exchange, not a body of spans; bytes are read faster than a view of them
_NUMBERS = {3: "project_id", 4: "received_ns", 6: "records", 7: "key_id"}
_BYTES = {5: "id", 8: "body_hash", 11: "otlp", 12: "payload"}
_TEXTS = {9: "content_type", 13: "loss_reason"}


def decode(message: Buffer, *, checked: bool = False) -> Envelope:
    """Read a message; `checked` says that its checksum was compared before. Raises CorruptFrame."""
    if not checked and not checksum_matches(message):
        raise CorruptFrame("the checksum does not match")
    if len(message) <= _WORTH_COPYING:
        message = bytes(message)
    values: dict[str, object] = {}
    kind = 0
    headers: list[tuple[bytes, bytes]] = []
    for field, number, start, stop in fields_of(message, 0, len(message)):
        if field == 2:
            kind = number
        elif field in _NUMBERS:
            values[_NUMBERS[field]] = number
        elif field in _BYTES:
            values[_BYTES[field]] = bytes(message[start:stop])
        elif field in _TEXTS:
            values[_TEXTS[field]] = str(message[start:stop], "utf-8", "replace")
        elif field == 10:
            values["exchange"] = read_exchange_message(bytes(message[start:stop]))
        elif field == 14:
            headers.append(_header(message, start, stop))
    return Envelope(kind=Kind(kind), headers=tuple(headers), **values)  # type: ignore[arg-type]


def _header(message: Buffer, position: int, end: int) -> tuple[bytes, bytes]:
    # As our own encoder writes nearly all of them: a short name, then a short value, and nothing else.
    if end - position >= 4 and message[position] == 0x0A and message[position + 1] < 0x80:
        middle = position + 2 + message[position + 1]
        if middle + 2 <= end and message[middle] == 0x12 and middle + 2 + message[middle + 1] == end:
            return bytes(message[position + 2 : middle]), bytes(message[middle + 2 : end])
    name = value = b""
    for field, _, start, stop in fields_of(message, position, end):
        if field == 1:
            name = bytes(message[start:stop])
        elif field == 2:
            value = bytes(message[start:stop])
    return name, value
