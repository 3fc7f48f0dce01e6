"""Where does a column of a Native block end? The protocol does not say: it must be walked, type by type.

A type is parsed once into a small tree of shapes (cached); a shape knows how to pass over so many of its values in an
`Inbox`. Nothing is decoded and nothing copied. Knows no packet, no socket, no engine.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ingestion.store.server.wire import Inbox, ProtocolError, Reading

__all__ = ["UnsupportedType", "shape_of"]

# A block of more rows than this is a broken length, not data: 2^40 one-byte values would be a terabyte.
_ROWS_MAX = 2**40

_WIDTHS = {
    1: ("UInt8", "Int8", "Bool", "Enum8", "Nothing"),
    2: ("UInt16", "Int16", "Enum16", "Date", "BFloat16"),
    4: ("UInt32", "Int32", "Float32", "Date32", "DateTime", "DateTime32", "Decimal32", "IPv4", "Time"),
    8: ("UInt64", "Int64", "Float64", "DateTime64", "Decimal64", "Time64"),
    16: ("UInt128", "Int128", "UUID", "IPv6", "Decimal128"),
    32: ("UInt256", "Int256", "Decimal256"),
}
_WIDTH_OF = {name: width for width, names in _WIDTHS.items() for name in names}
_UNITS = (
    "Nanosecond",
    "Microsecond",
    "Millisecond",
    "Second",
    "Minute",
    "Hour",
    "Day",
    "Week",
    "Month",
    "Quarter",
    "Year",
)
_WIDTH_OF |= {f"Interval{unit}": 8 for unit in _UNITS}


class UnsupportedType(ProtocolError):  # noqa: N818
    """A column type whose end cannot be found; the message names it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"type {name} cannot be inserted through the embedded store; write it with INSERT … SELECT", code=50
        )


class Shape(Protocol):
    """How the values of one type lie in a Native block."""

    def prefix(self, inbox: Inbox) -> Reading:
        """Pass over what stands once per column, before the values."""

    def values(self, inbox: Inbox, count: int) -> Reading:
        """Pass over `count` values."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    width: int

    def prefix(self, inbox: Inbox) -> Reading:
        return
        yield

    def values(self, inbox: Inbox, count: int) -> Reading:
        return inbox.skip(count * self.width)


@dataclass(frozen=True, slots=True)
class _Strings:
    def prefix(self, inbox: Inbox) -> Reading:
        return
        yield

    def values(self, inbox: Inbox, count: int) -> Reading:
        # TRICKY: the hottest loop of an insert. A position beyond the buffer is allowed for a moment: it says how
        # many bytes of the last string are still to come, and spares a comparison per string; reading there raises
        # IndexError, which costs nothing until it happens.
        while count:
            buffer = inbox.buffer
            position = start = inbox.position
            done = 0
            try:
                for done in range(count):  # noqa: B007
                    start = position
                    length = buffer[position]
                    position += 1
                    if length >= 0x80:
                        length &= 0x7F
                        shift = 7
                        while True:
                            byte = buffer[position]
                            position += 1
                            length |= (byte & 0x7F) << shift
                            if byte < 0x80:
                                break
                            shift += 7
                            if shift > 63:
                                raise ProtocolError("a string length of more than 64 bits")
                    position += length
                count = 0
            except IndexError:
                count -= done
                position = start
            missing = position - len(buffer)
            if missing > 0:
                inbox.position = len(buffer)
                yield from inbox.skip(missing)
            else:
                inbox.position = position
                if count:
                    yield


@dataclass(frozen=True, slots=True)
class _Nullable:
    inner: Shape

    def prefix(self, inbox: Inbox) -> Reading:
        return self.inner.prefix(inbox)

    def values(self, inbox: Inbox, count: int) -> Reading:
        yield from inbox.skip(count)
        yield from self.inner.values(inbox, count)


@dataclass(frozen=True, slots=True)
class _Tuple:
    parts: tuple[Shape, ...]

    def prefix(self, inbox: Inbox) -> Reading:
        for part in self.parts:
            yield from part.prefix(inbox)

    def values(self, inbox: Inbox, count: int) -> Reading:
        if not self.parts:
            yield from inbox.skip(count)
        for part in self.parts:
            yield from part.values(inbox, count)


@dataclass(frozen=True, slots=True)
class _Array:
    inner: Shape

    def prefix(self, inbox: Inbox) -> Reading:
        return self.inner.prefix(inbox)

    def values(self, inbox: Inbox, count: int) -> Reading:
        if not count:
            return
        yield from inbox.skip(8 * (count - 1))
        total = int.from_bytes((yield from inbox.take(8)), "little")
        if total > _ROWS_MAX:
            raise ProtocolError(f"an array of {total} elements")
        yield from self.inner.values(inbox, total)


@dataclass(frozen=True, slots=True)
class _LowCardinality:
    dictionary: Shape

    def prefix(self, inbox: Inbox) -> Reading:
        return inbox.skip(8)

    def values(self, inbox: Inbox, count: int) -> Reading:
        while count:
            flags = int.from_bytes((yield from inbox.take(8)), "little")
            if flags & 0x100 or flags & 0xFF > 3:
                raise ProtocolError(f"a LowCardinality column with flags {flags:#x}", code=50)
            if flags & 0x200:
                keys = int.from_bytes((yield from inbox.take(8)), "little")
                if keys > _ROWS_MAX:
                    raise ProtocolError(f"a dictionary of {keys} keys")
                yield from self.dictionary.values(inbox, keys)
            rows = int.from_bytes((yield from inbox.take(8)), "little")
            if not 0 < rows <= count:
                raise ProtocolError(f"a LowCardinality column of {rows} values where at most {count} were announced")
            yield from inbox.skip(rows << (flags & 0xFF))
            count -= rows


def _split(arguments: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quote."""
    parts, depth, start, quote, escaped = [], 0, 0, "", False
    for at, letter in enumerate(arguments):
        if quote:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == quote:
                quote = ""
        elif letter in "'`\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == "," and not depth:
            parts.append(arguments[start:at].strip())
            start = at + 1
    return [*parts, arguments[start:].strip()] if arguments.strip() else []


def _element(part: str) -> str:
    """Return the type of a tuple's element, which may have a name before it."""
    if part.startswith("`"):
        end = 1
        while end < len(part) and part[end] != "`":
            end += 2 if part[end] == "\\" else 1
        return part[end + 1 :].strip()
    head, space, rest = part.partition(" ")
    return rest.strip() if space and "(" not in head else part


def _decimal_width(arguments: list[str], name: str) -> int:
    try:
        precision = int(arguments[0])
    except (IndexError, ValueError):
        raise UnsupportedType(name) from None
    return next((width for limit, width in ((9, 4), (18, 8), (38, 16), (76, 32)) if precision <= limit), 32)


@lru_cache(maxsize=2048)
def shape_of(name: str) -> Shape:
    """Return how values of this type lie in a Native block; raise UnsupportedType naming a type that is not known."""
    base, bracket, rest = name.strip().partition("(")
    if bracket and not rest.endswith(")"):
        raise UnsupportedType(name)
    arguments = _split(rest[:-1]) if bracket else []
    if base in _WIDTH_OF:
        return _Fixed(_WIDTH_OF[base])
    match base, arguments:
        case "String", []:
            return _Strings()
        case "FixedString", [width] if width.isascii() and width.isdigit():
            return _Fixed(int(width))
        case "Decimal", _:
            return _Fixed(_decimal_width(arguments, name))
        case "Nullable", [inner]:
            return _Nullable(shape_of(inner))
        case "Array", [inner]:
            return _Array(shape_of(inner))
        case "Map", [key, value]:
            return _Array(_Tuple((shape_of(key), shape_of(value))))
        case "Tuple", _:
            return _Tuple(tuple(shape_of(_element(part)) for part in arguments))
        case "Nested", _:
            return _Array(_Tuple(tuple(shape_of(_element(part)) for part in arguments)))
        case "LowCardinality", [inner]:
            plain = inner[9:-1] if inner.startswith("Nullable(") else inner
            return _LowCardinality(shape_of(plain))
        case "SimpleAggregateFunction", [_, inner]:
            return shape_of(inner)
    raise UnsupportedType(name)
