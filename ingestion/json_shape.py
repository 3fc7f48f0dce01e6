"""Reading JSON that nobody vouches for: a value if it has the shape that was expected, else an empty one.

Never raises on any bytes or any value; says in a note what could not be read. Knows no provider.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

__all__ = ["as_count", "as_decimal", "as_dict", "as_list", "as_text", "clip", "dumps", "loads", "loads_cut", "path_of"]

Json = Any  # what a JSON parser returns: every use narrows it with one of the functions below

MAX_COUNT = 10**11  # above this a token count is nonsense, and Decimal(18, 6) columns would not hold it
_EMPTY: dict[str, Json] = {}
_ESCAPES = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[{}\[\],]', re.DOTALL)


def loads(data: bytes) -> tuple[Json, str]:
    """Return (value, note). The note is empty when the bytes are JSON; a lenient second try forgives NaN, lone
    surrogates and invalid UTF-8, which real servers send.
    """
    try:
        return orjson.loads(data), ""
    except ValueError as error:
        reason = str(error)
    if not data.strip():
        return None, "empty body"
    text = _ESCAPES.sub(_whole_escape, data.decode("utf-8", "replace"))
    try:
        return json.loads(text, parse_constant=_no_constant), ""
    except RecursionError:
        return None, "JSON is nested too deep"
    except ValueError:
        return None, f"not JSON ({reason[:120]})"


def loads_cut(data: bytes) -> tuple[Json, str]:
    """Return the value of a JSON document whose tail is missing: everything up to the last complete member."""
    closers: list[bytes] = []
    kept = 0
    kept_closers: tuple[bytes, ...] = ()
    for token in _STRUCTURE.finditer(data):
        mark = token.group()
        if mark in (b"{", b"["):
            closers.append(b"}" if mark == b"{" else b"]")
            kept, kept_closers = token.end(), tuple(closers)
        elif mark in (b"}", b"]"):
            if not closers:
                break
            closers.pop()
            kept, kept_closers = token.end(), tuple(closers)
        elif mark == b",":
            kept, kept_closers = token.start(), tuple(closers)
        if len(closers) > 200:
            break
    return loads(data[:kept] + b"".join(reversed(kept_closers)))


def dumps(value: Json) -> str:
    """Return compact JSON text, whatever Python made of the input."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, RecursionError):  # lone surrogates, or integers beyond 64 bits
        try:
            return json.dumps(value, separators=(",", ":"), default=str)
        except (TypeError, ValueError, RecursionError):
            return ""


def as_dict(value: Json) -> dict[str, Json]:
    """Return the object, or an empty one (never to be written to)."""
    return value if isinstance(value, dict) else _EMPTY


def as_list(value: Json) -> list[Json]:
    """Return the array, or an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json) -> str:
    """Return the string, or an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: Json) -> int | None:
    """Return a quantity that can be counted with: a whole number from 0 up, else None."""
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    if isinstance(value, float) and 0 <= value <= MAX_COUNT and value == int(value):
        return int(value)
    return None


def as_decimal(value: Json) -> Decimal | None:
    """Return an amount of money that somebody reported, through its shortest text form, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < 1_000_000 else None


def path_of(value: Json, *steps: str) -> Json:
    """Return the member at the path, or None."""
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def clip(text: str, length: int = 256) -> str:
    """Return the text, shortened for a column that holds names."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _whole_escape(match: re.Match[str]) -> str:
    found = match.group()
    return "\\ufffd" if len(found) == 6 and found[2] in "dD" else found


def _no_constant(_name: str) -> None:
    return None  # NaN and the infinities are no quantities
