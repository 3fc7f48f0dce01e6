"""Dated exchange rates: money in another currency to US dollars, at the rate of its day. Pure.

A rate holds from its day until the next one of its currency. Before the first there is none: unknown, never 1.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

__all__ = ["Rate", "Rates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How much of a currency one US dollar bought."""

    currency: str
    per_usd: Decimal
    valid_from: date
    source: str = ""

    @property
    def label(self) -> str:
        """The rate in words, as it is stored beside a converted cost."""
        return f"{self.per_usd} {self.currency}/USD from {self.valid_from.isoformat()}"


class Rates:
    """All known rates. Of two for one day the later given wins."""

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        days: dict[str, dict[date, Rate]] = {}
        for rate in rates:
            days.setdefault(rate.currency, {})[rate.valid_from] = rate
        self._rates = {currency: [held[day] for day in sorted(held)] for currency, held in days.items()}

    def at(self, currency: str, day: date) -> Rate | None:
        """Return the rate in force on a day, or None."""
        known = self._rates.get(currency, [])
        index = bisect_right(known, day, key=lambda rate: rate.valid_from)
        return known[index - 1] if index else None
