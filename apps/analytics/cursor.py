"""The opaque mark of where a list goes on. Its content is nobody's business but the list's that made it; a forged one
can only move the place.
"""

import base64
import binascii
import json
from typing import Any

from apps.analytics.parse import QueryError

__all__ = ["cursor_pack", "cursor_unpack"]


def cursor_pack(kind: str, *parts: int | str | list[list[int | str]]) -> str:
    """Text that is safe in a URL."""
    text = json.dumps([kind, *parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def cursor_unpack(kind: str, cursor: str, *types: type) -> tuple[Any, ...]:
    """What was packed, when it is of this kind and shape; otherwise the user's parameter is at fault."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _wrong(cursor) from error
    if not isinstance(found, list) or len(found) != len(types) + 1 or found[0] != kind:
        raise _wrong(cursor)
    parts = tuple(found[1:])
    for part, wanted in zip(parts, types, strict=True):
        if type(part) is not wanted or (isinstance(part, int) and not -(2**62) < part < 2**62):
            raise _wrong(cursor)
    return parts


def _wrong(cursor: str) -> QueryError:
    return QueryError(
        "cursor", f"cursor={cursor[:60]!r} is not from this list", "give back `next` as it came, with the same filters"
    )
