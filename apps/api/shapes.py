"""Dataclass → DRF serializer, for the schema: what the API says is what the read returned, under the same names.
apps/api/json_values.py says it.

Money is a decimal string, a time is ISO 8601 in UTC, a duration is seconds, unknown is null. `cost` is called
`cost_usd`, since JSON has no
column heading to say the currency.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.json_values import money_text, shown_name

__all__ = ["ErrorShape", "MoneyField", "page_of", "page_shape", "shape_of"]


@extend_schema_field({"type": "string", "format": "decimal", "pattern": r"^-?\d+(\.\d+)?$"})
class MoneyField(serializers.Field):
    """A decimal as text, exact, without trailing zeros."""

    def to_representation(self, value: Decimal) -> str:
        """1.500000000000 is 1.5."""
        return money_text(value)


@cache
def shape_of(value_type: type, *, also: tuple[tuple[str, type], ...] = ()) -> type[serializers.Serializer]:
    """The serializer of a dataclass; `also` names properties to include, with their types."""
    if not is_dataclass(value_type):
        raise TypeError(f"{value_type!r} is no dataclass")
    hints = typing.get_type_hints(value_type)
    members: dict[str, Any] = {}
    for name, hint in [*((field.name, hints[field.name]) for field in fields(value_type)), *also]:
        shown = shown_name(name, beside=hints)
        members[shown] = _field(hint, source=name if shown != name else None)
    return type(value_type.__name__, (serializers.Serializer,), members)


@cache
def page_of(shape: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """A page of a list: {"data": […], "next": cursor or null}."""
    members = {
        "data": shape(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Give it back as `cursor`."),
    }
    return type(f"{shape.__name__.removesuffix('Shape')}Page", (serializers.Serializer,), members)


def page_shape(row: type) -> type[serializers.Serializer]:
    """A page of what a read returns as dataclasses."""
    return page_of(shape_of(row))


class _ErrorBody(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)
    hint = serializers.CharField(required=False)


class ErrorShape(serializers.Serializer):
    """Every error."""

    error = _ErrorBody()


def _field(hint: Any, *, source: str | None = None) -> Any:
    options: dict[str, Any] = {"source": source} if source else {}
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        options["allow_null"] = True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return shape_of(typing.cast("type", hint))(**options)
    if origin is tuple:
        if is_dataclass(arguments[0]):
            return shape_of(typing.cast("type", arguments[0]))(many=True, **options)
        return serializers.ListField(child=_field(arguments[0]), **options)
    if origin is Mapping:
        return serializers.DictField(child=_field(arguments[1]), **options)
    if hint is datetime:
        return serializers.DateTimeField(default_timezone=UTC, **options)
    simple: dict[Any, Any] = {
        str: serializers.CharField,
        bool: serializers.BooleanField,
        int: serializers.IntegerField,
        float: serializers.FloatField,
        Decimal: MoneyField,
        date: serializers.DateField,
    }
    return simple[hint](**options)
