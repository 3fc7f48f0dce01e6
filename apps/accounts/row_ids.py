"""Ids of rows: made so that they sort by time, read from an address, and looked up within what one may see."""

import time
import uuid
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

from ingestion.ids import uuid7_bytes

__all__ = ["id_of", "new_id", "row_of"]

Row = TypeVar("Row", bound=Model)


def new_id() -> uuid.UUID:
    """An id that sorts by time."""
    return uuid.UUID(bytes=uuid7_bytes(now_ns=time.time_ns()))


def id_of(text: str) -> uuid.UUID:
    """The id that an address names; what is none is an id of nothing (404)."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404("No such id") from error


def row_of(rows: QuerySet[Row], pk: str, what: str) -> Row:
    """The one of these rows, which belong to a project that one may see; 404 when it is none of them."""
    found = rows.filter(pk=id_of(pk)).first()
    if found is None:
        raise Http404(f"No such {what}")
    return found
