"""Dataclass → what its JSON says, by the rules of apps/api/shapes.py, which describes the same thing to the schema.

A serializer of the framework copies its fields for every list and asks each one anew for every row: half of what a page
of spans cost. Here the way of every field is found once a type. A test holds the two together.
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

__all__ = ["as_json", "money_text", "shown_name"]

Convert = Callable[[Any], Any]


def as_json(value: Any, *, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the API says of a dataclass; `also` names properties to include."""
    said = {}
    for shown, name, convert in _members(value.__class__):
        kept = getattr(value, name)
        said[shown] = kept if convert is None or kept is None else convert(kept)
    for name in also:
        said[name] = getattr(value, name)
    return said


def money_text(value: Decimal) -> str:
    """A decimal as text, exact, without trailing zeros: 1.500000000000 is 1.5."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_name(name: str, *, beside: Mapping[str, Any]) -> str:
    """`cost` is called `cost_usd` where nothing else is: JSON has no column heading to say the currency."""
    return "cost_usd" if name == "cost" and "cost_usd" not in beside else name


@cache
def _members(value_type: Any) -> tuple[tuple[str, str, Convert | None], ...]:
    """How a field is called in JSON, how it is called here, and what is done to its value (None: nothing)."""
    hints = typing.get_type_hints(value_type)
    return tuple(
        (shown_name(one.name, beside=hints), one.name, _conversion(hints[one.name])) for one in fields(value_type)
    )


def _conversion(hint: Any) -> Convert | None:
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return as_json
    if origin is tuple:
        return _list_of(_conversion(arguments[0]))
    if origin is Mapping:
        return _mapping_of(_conversion(arguments[1]))
    simple: dict[Any, Convert | None] = {
        str: None, bool: None, int: None, float: float, datetime: _moment, Decimal: money_text, date: date.isoformat,
    }  # fmt: skip
    return simple[hint]


def _list_of(convert: Convert | None) -> Convert:
    if convert is None:
        return list
    return lambda values: [None if value is None else convert(value) for value in values]


def _mapping_of(convert: Convert | None) -> Convert:
    if convert is None:
        return dict
    return lambda values: {key: None if value is None else convert(value) for key, value in values.items()}


def _moment(value: datetime) -> str:
    """ISO 8601 in UTC."""
    told = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return told.isoformat().removesuffix("+00:00") + "Z"
