"""What can be seen of an Envelope without reading it whole: its checksum, its kind, who sent it. By hand: the gateway,
which looks at its own segments when it starts, needs no protobuf library. Pure.
"""

from zlib import crc32

from ingestion.envelope.model import CorruptFrame, Kind, Peek

__all__ = ["Buffer", "checksum_matches", "fields_of", "is_open", "peek", "read_varint"]

Buffer = bytes | memoryview
_CRC_TAG = 0x0D
_KIND_TAG = 0x10
_LONGEST_VARINT = 10


def read_varint(buffer: Buffer, position: int, end: int) -> tuple[int, int]:
    """Return the number at `position` and where it ends."""
    if position < end and (first := buffer[position]) < 0x80:
        return first, position + 1
    number = shift = 0
    for at in range(position, min(end, position + _LONGEST_VARINT)):
        byte = buffer[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at + 1
        shift += 7
    raise CorruptFrame(f"a number at byte {position} does not end")


def checksum_matches(message: Buffer) -> bool:
    """Say whether a message begins with the checksum of the rest of it."""
    if len(message) < 5 or message[0] != _CRC_TAG:
        return False
    return int.from_bytes(message[1:5], "little") == crc32(memoryview(message)[5:])


Field = tuple[int, int, int, int]  # field number, its value (numbers only), start and end of its content (bytes only)


def fields_of(buffer: Buffer, position: int, end: int) -> list[Field]:
    """Return the fields of a message. Raises CorruptFrame."""
    # Runs several times for every exchange. Most tags and lengths are one byte, and are read right here.
    fields: list[Field] = []
    while position < end:
        tag = buffer[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = read_varint(buffer, position, end)
        wire = tag & 7
        if wire == 2:
            if position < end and (size := buffer[position]) < 0x80:
                position += 1
            else:
                size, position = read_varint(buffer, position, end)
            stop = position + size
            if stop > end:
                raise CorruptFrame(f"field {tag >> 3} claims {size} bytes of the {end - position} that are left")
            fields.append((tag >> 3, 0, position, stop))
            position = stop
        elif wire == 0:
            number, position = read_varint(buffer, position, end)
            fields.append((tag >> 3, number, 0, 0))
        elif wire in {1, 5}:
            position += 8 if wire == 1 else 4
            if position > end:
                raise CorruptFrame(f"field {tag >> 3} is cut off")
        else:
            raise CorruptFrame(f"wire type {wire} at byte {position}")
    return fields


def is_open(message: Buffer) -> bool:
    """Say whether this is an OPEN, of which half of a gateway's frames are. The kind stands behind the checksum."""
    if len(message) > 6 and message[5] == _KIND_TAG:
        return bool(message[6] == Kind.OPEN)
    return peek(message).kind is Kind.OPEN


def peek(message: Buffer) -> Peek:
    """Read what planning needs. The checksum is not looked at: the walk over the segment has done so."""
    kind = project_id = received_ns = records = 0
    identity = body_hash = b""
    for field, number, start, stop in fields_of(message, 0, len(message)):
        match field:
            case 2:
                kind = number
            case 3:
                project_id = number
            case 4:
                received_ns = number
            case 5:
                identity = bytes(message[start:stop])
            case 6:
                records = number
            case 8:
                body_hash = bytes(message[start:stop])
    return Peek(Kind(kind), project_id, received_ns, identity, records, body_hash)
