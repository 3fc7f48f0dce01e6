"""JSON text → indented pieces with a kind each, for colouring.

Pure; bounded, so that a huge body stays readable plain text.
"""

import json
import re
from collections.abc import Iterator

__all__ = ["COLOUR_LIMIT", "indented", "tokens_of"]

COLOUR_LIMIT = 60_000
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<str>"(?:[^"\\]|\\.)*")|(?P<num>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null)'
)


def indented(text: str) -> str | None:
    """Return the text with two spaces a level, or None when it is not JSON. Numbers keep their digits."""
    try:
        value = json.loads(text, parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits)
        return _write(value, 0)
    except (ValueError, RecursionError):
        return None


def tokens_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, piece); kind is key, str, num, word, or nothing for punctuation and for text that is not JSON."""
    pretty = indented(text)
    if pretty is None or len(pretty) > COLOUR_LIMIT:
        yield "", pretty if pretty is not None else text
        return
    end = 0
    for match in _TOKEN.finditer(pretty):
        if match.start() > end:
            yield "", pretty[end : match.start()]
        yield match.lastgroup or "", match.group()
        end = match.end()
    if end < len(pretty):
        yield "", pretty[end:]


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def _write(value: object, depth: int) -> str:
    pad, inner = "  " * depth, "  " * (depth + 1)
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict) and value:
        lines = (
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_write(item, depth + 1)}" for key, item in value.items()
        )
        return "{\n" + ",\n".join(lines) + f"\n{pad}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _write(item, depth + 1) for item in value) + f"\n{pad}]"
    return json.dumps(value, ensure_ascii=False)
