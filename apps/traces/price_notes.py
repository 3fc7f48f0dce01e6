"""What is known of the price row that made a cost: when it held, whose word it is, where that word stands.

Reads the price files.
"""

import time
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

from apps.traces.span_panel import PriceNote
from ingestion.pricebook import PriceBook, PriceRow
from ingestion.prices.files import PriceFileError
from ingestion.prices.live import LivePrices

__all__ = ["price_note"]


def price_note(price_id: str) -> PriceNote | None:
    """The row by its id; None when no list has it any more, or the lists cannot be read."""
    if not price_id:
        return None
    try:
        book, _ = _prices(settings.SPANMETER_HOME)()
    except PriceFileError:
        return None
    row = _rows(book).get(price_id)
    return _note(row) if row else None


@cache
def _prices(home: Path) -> LivePrices:
    return LivePrices(home, clock=time.monotonic)


@lru_cache(maxsize=1)
def _rows(book: PriceBook) -> dict[str, PriceRow]:
    return {row.id: row for row in book.rows()}


def _note(row: PriceRow) -> PriceNote:
    held = [f"from {row.valid_from}" if row.valid_from else "", f"until {row.valid_to}" if row.valid_to else ""]
    conditions = ", ".join(f"{name} {value}" for name, value in sorted(row.when.items()))
    words = [row.currency, *held, f"when {conditions}" if conditions else "", f"source: {row.source}", row.note]
    href = row.source_url if row.source_url.startswith(("https://", "http://")) else ""
    return PriceNote((", ".join(word for word in words if word), href))
