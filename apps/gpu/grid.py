"""Whose electricity it is, from the parameters of a request. Pure."""

from datetime import date
from decimal import Decimal, InvalidOperation

from apps.analytics.parse import QueryError
from ingestion.gpu_money.energy import Grids

__all__ = ["grid_from", "pue_from"]


def grid_from(text: str, grids: Grids, day: date) -> str:
    """Return the code of a place that has a figure; '' for none asked. Raises QueryError."""
    if text and grids.at(text, day) is None:
        raise QueryError("grid", f"grid={text[:20]!r} has no figure", "one of " + ", ".join(grids.codes))
    return text.upper()


def pue_from(text: str) -> Decimal:
    """Return power usage effectiveness, 1 to 10. Raises QueryError."""
    try:
        pue = Decimal(text or "1")
    except InvalidOperation:
        pue = Decimal("NaN")
    if not pue.is_finite() or not 1 <= pue <= 10:
        raise QueryError("pue", f"pue={text[:20]!r} is no such number", "a number from 1 to 10, such as 1.2")
    return pue
