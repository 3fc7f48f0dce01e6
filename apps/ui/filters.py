"""The filters of a list as fields and chips, all in the address. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from apps.analytics.query import Field
from apps.ui.links import Chip, Hidden, changed, hidden_fields

__all__ = ["FilterField", "Filters", "filters_of"]

_TEXT = ("q", "text_mode")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    """One field of the filter bar; without `options` it is free text. `options` always hold the value in force."""

    name: str
    label: str
    value: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a list: those in sight, those behind "More", and those in force as chips."""

    fields: tuple[FilterField, ...]
    more: tuple[FilterField, ...]
    more_in_force: int
    hidden: tuple[Hidden, ...]
    chips: tuple[Chip, ...]
    clear_href: str
    text: str = ""
    text_mode: str = ""


def filters_of(
    parameters: QueryDict,
    *,
    labels: Mapping[Field, str],
    in_sight: Sequence[Field],
    more: Sequence[Field],
    options: Mapping[Field, Sequence[str]],
    conditions: Iterable[Field] = Field,
    searched: bool = False,
) -> Filters:
    """The bar for the present address. `conditions` are what the list knows, `searched`: free text too.

    Conditions that it has no field for are carried along, and have a chip.
    """
    known, text = tuple(conditions), _TEXT if searched else ()
    in_fields = [field.value for field in (*in_sight, *more) if len(parameters.getlist(field)) <= 1]
    names = [name for field in known for name, _ in _names(field, "")]
    return Filters(
        fields=tuple(_field(parameters, field, labels[field], options.get(field, ())) for field in in_sight),
        more=tuple(_field(parameters, field, labels[field], options.get(field, ())) for field in more),
        more_in_force=sum(1 for field in more if parameters.get(field)),
        hidden=hidden_fields(parameters, without=(*text[:1], *in_fields)),
        chips=(
            *(_text_chips(parameters) if searched else ()),
            *(chip for field in known for chip in _chips(parameters, field, labels[field])),
        ),
        clear_href=changed(parameters, dict.fromkeys((*text, *names))),
        text=parameters.get("q", "") if searched else "",
        text_mode=parameters.get("text_mode", "") if searched else "",
    )


def _names(field: Field, label: str) -> tuple[tuple[str, str], ...]:
    return (field.value, label), (f"{field.value}-not", f"{label} not")


def _field(parameters: QueryDict, field: Field, label: str, options: Sequence[str]) -> FilterField:
    values = parameters.getlist(field)
    value = values[0] if len(values) == 1 else ""
    known = tuple(str(option) for option in options)
    if value and known and value not in known:
        known = (value, *known)
    return FilterField(name=field.value, label=label, value=value, options=known)


def _text_chips(parameters: QueryDict) -> tuple[Chip, ...]:
    text = parameters.get("q")
    return (Chip("Text", text, changed(parameters, dict.fromkeys(_TEXT))),) if text else ()


def _chips(parameters: QueryDict, field: Field, label: str) -> list[Chip]:
    chips = []
    for name, shown in _names(field, label):
        values = [value for value in parameters.getlist(name) if value]
        chips += [
            Chip(shown, value, changed(parameters, {name: [other for other in values if other != value] or None}))
            for value in values
        ]
    return chips
