"""Pages of rows of the application database: newest first, by number; `next` is an address."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from apps.ui.links import changed

__all__ = ["cut"]

Row = TypeVar("Row", bound=Model)
_SIZE = 50


def cut(rows: QuerySet[Row], parameters: QueryDict, *, size: int = _SIZE) -> tuple[Sequence[Row], str]:
    """The page that the address names, and the address of the next one, if there is one."""
    text = parameters.get("page", "")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    found = list(rows[page * size : (page + 1) * size + 1])
    following = changed(parameters, {"page": str(page + 1)}) if len(found) > size else ""
    return found[:size], following
