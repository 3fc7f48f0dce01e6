"""Addresses that differ from the present one in a few parameters: all state of a page is in its query string. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

__all__ = ["Chip", "Choice", "Hidden", "changed", "hidden_fields"]

_OF_A_PAGE = ("cursor",)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several links, of which one is in force."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition in force, and the address without it."""

    label: str
    value: str
    href: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A parameter that a form carries along."""

    name: str
    value: str


def changed(
    parameters: QueryDict,
    changes: Mapping[str, str | Sequence[str] | None],
    *,
    path: str = "",
    keep_cursor: bool = False,
) -> str:
    """Return the address with `changes` made; None takes a parameter out. A new condition starts at the first page."""
    copy = parameters.copy()
    if not keep_cursor:
        for name in _OF_A_PAGE:
            copy.pop(name, None)
    for name, value in changes.items():
        if value is None or value == "":
            copy.pop(name, None)
        elif isinstance(value, str):
            copy[name] = value
        else:
            copy.setlist(name, list(value))
    query = copy.urlencode()
    return f"{path}?{query}" if query else path or "?"


def hidden_fields(parameters: QueryDict, *, without: Sequence[str]) -> tuple[Hidden, ...]:
    """Every parameter except some, for a GET form that changes only those."""
    dropped = {*without, *_OF_A_PAGE}
    return tuple(
        Hidden(name, value) for name, values in parameters.lists() if name not in dropped for value in values if value
    )
