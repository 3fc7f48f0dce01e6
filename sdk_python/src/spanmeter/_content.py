"""Values of the host's program as JSON text, within a bound, without running the host's code.

No `repr`, no `str` of unknown objects: a lazy query or a remote handle must not be set off by being traced. What is cut
says how much there was. Written in one pass, because every decorated call pays for it. Pure.
"""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from spanmeter._guard import guarded

__all__ = ["as_json", "as_text", "json_text", "plain_text"]

_DEEPEST = 12
_MOST_ITEMS = 1000
_UNREADABLE = "<not recorded: it could not be read>"
_PLAIN = (datetime.datetime, datetime.date, datetime.time)
_NAMED = (decimal.Decimal, uuid.UUID, pathlib.PurePath, datetime.timedelta)
_quoted = json.encoder.encode_basestring  # what json.dumps takes longer to reach


class _Budget:
    """How many characters may still be written."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def cut(self, text: str) -> str:
        if len(text) <= self.left:
            self.left -= len(text)
            return text
        kept = text[: max(self.left, 0)]
        self.left = 0
        return f"{kept} … cut from {len(text)} characters"


def plain_text(value: Any, limit: int) -> str:
    """Return text as it is, everything else as JSON. May raise what a hostile object raises."""
    if type(value) is str:
        return value if len(value) <= limit else _Budget(limit).cut(value)
    return json_text(value, limit)


def json_text(value: Any, limit: int) -> str:
    """Return valid JSON of at most about `limit` characters. May raise what a hostile object raises."""
    return _json(value, _Budget(limit), 0)


@guarded("content", _UNREADABLE)
def as_text(value: Any, limit: int) -> str:
    """Return text as it is, everything else as JSON."""
    return plain_text(value, limit)


@guarded("content", f'"{_UNREADABLE}"')
def as_json(value: Any, limit: int) -> str:
    """Return valid JSON of at most about `limit` characters."""
    return json_text(value, limit)


def _json(value: Any, budget: _Budget, depth: int) -> str:
    kind = type(value)
    if kind is str:
        if len(value) <= budget.left:
            budget.left -= len(value)
            return str(_quoted(value))
        return str(_quoted(budget.cut(value)))
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        budget.left -= 8
        return str(value) if value.bit_length() < 256 else _text(f"<int of {value.bit_length()} bits>", budget)
    if kind is float:
        budget.left -= 8
        return repr(value) if math.isfinite(value) else f'"{value}"'
    if value is None:
        return "null"
    if kind is dict:
        return _mapping(value, budget, depth) if depth < _DEEPEST else _text(_named(value), budget)
    if kind is list or kind is tuple:
        return _items(value, budget, depth) if depth < _DEEPEST else _text(_named(value), budget)
    return _other(value, budget, depth)


def _text(text: str, budget: _Budget) -> str:
    return str(_quoted(budget.cut(text)))


def _mapping(value: Mapping[Any, Any], budget: _Budget, depth: int) -> str:
    written: list[str] = []
    for number, (key, item) in enumerate(value.items()):
        if budget.left <= 0 or number >= _MOST_ITEMS:
            written.append(f'"…":"{len(value) - number} more"')
            break
        name = key if type(key) is str else str(key) if isinstance(key, str | int | float) else _named(key)
        # The name first: the value may take all that is left.
        shown = _text(name, budget)
        written.append(f"{shown}:{_json(item, budget, depth + 1)}")
    return "{" + ",".join(written) + "}"


def _items(value: Collection[Any], budget: _Budget, depth: int) -> str:
    written: list[str] = []
    for number, item in enumerate(value):
        if budget.left <= 0 or number >= _MOST_ITEMS:
            written.append(f'"… {len(value) - number} more"')
            break
        budget.left -= 1
        written.append(_json(item, budget, depth + 1))
    return "[" + ",".join(written) + "]"


def _other(value: Any, budget: _Budget, depth: int) -> str:
    """What is not one of JSON's own types."""
    kind = type(value)
    if depth >= _DEEPEST:
        return _text(_named(value), budget)
    if isinstance(value, enum.Enum):
        return _json(value.value, budget, depth + 1)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(f"<{kind.__name__} of {len(value)} bytes>", budget)
    if isinstance(value, str):
        return _text(str.__str__(value), budget)
    if isinstance(value, Mapping):
        return _mapping(value, budget, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _items(value, budget, depth)
    if isinstance(value, _PLAIN):
        return _text(value.isoformat(), budget)
    if isinstance(value, _NAMED):
        return _text(str(value), budget)
    if dataclasses.is_dataclass(kind):
        shown = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value) if field.repr}
        return _mapping(shown, budget, depth)
    # Pydantic models say so by a class attribute; their values are in __dict__, so none of their code runs.
    if isinstance(getattr(kind, "model_fields", None), Mapping) and isinstance(value.__dict__, dict):
        return _mapping(value.__dict__, budget, depth)
    return _text(_named(value), budget)


def _named(value: Any) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"
