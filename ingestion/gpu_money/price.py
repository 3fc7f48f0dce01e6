"""Dated prices of a GPU-hour, and the bill that they make of a window. Pure.

A price is found by host, then by label, then by what the GPU is; of several the most particular wins, and of two for
the same the later one. Two that say different things for the same day and the same GPUs are refused, not chosen from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

__all__ = ["GpuPrice", "GpuPrices", "OverlappingPrices"]

_HOUR_NS = 3600 * 10**9
_STEP = Decimal("0.000000001")


class OverlappingPrices(ValueError):  # noqa: N818 - the name says what is wrong
    """Two prices for the same GPUs from the same day; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPrice:
    """What one GPU of this kind costs for an hour. An empty `host`, `model` or `label` fits every one."""

    id: str
    per_hour: Decimal
    currency: str
    valid_from: date
    valid_to: date | None = None  # exclusive
    host: str = ""
    model: str = ""  # a part of the GPU's name, in lower case
    label: tuple[str, str] | None = None
    source: str = ""

    def fits(self, *, host: str, model: str, labels: Mapping[str, str]) -> bool:
        """Say whether this price is one of this GPU's."""
        return (
            (not self.host or self.host == host)
            and (not self.model or self.model in model.lower())
            and (self.label is None or labels.get(self.label[0]) == self.label[1])
        )

    @property
    def particular(self) -> tuple[bool, bool, int]:
        """How closely it names its GPU."""
        return (bool(self.host), self.label is not None, len(self.model))

    @property
    def scope(self) -> tuple[str, str, tuple[str, str] | None]:
        """Which GPUs it is for."""
        return (self.host, self.model, self.label)


class GpuPrices:
    """All that are known."""

    def __init__(self, prices: Iterable[GpuPrice]) -> None:
        self._prices = sorted(prices, key=lambda price: price.valid_from)
        seen: dict[tuple[object, date], GpuPrice] = {}
        for price in self._prices:
            before = seen.setdefault((price.scope, price.valid_from), price)
            if before is not price:
                raise OverlappingPrices(
                    f"{before.id} ({before.per_hour} {before.currency}) and "
                    f"{price.id} ({price.per_hour} {price.currency}) "
                    f"both hold from {price.valid_from}: keep one, or give the later one a later valid_from"
                )

    def at(self, day: date, *, host: str, model: str, labels: Mapping[str, str] | None = None) -> GpuPrice | None:
        """Return the price in force on a day, None when there is none."""
        fitting = [
            price
            for price in self._prices
            if price.fits(host=host, model=model, labels=labels or {})
            and price.valid_from <= day
            and (price.valid_to is None or day < price.valid_to)
        ]
        return max(fitting, key=lambda price: (price.particular, price.valid_from), default=None)

    def bill(
        self, start: datetime, end: datetime, *, host: str, model: str, labels: Mapping[str, str] | None = None
    ) -> tuple[Decimal, str, tuple[GpuPrice, ...]] | None:
        """Return amount, currency and prices of one GPU in a window; None when a day of it has no price.

        A window over a change of price pays each part at its own. Raises OverlappingPrices for two currencies.
        """
        amount, used = Decimal(0), dict[str, GpuPrice]()
        at = start.astimezone(UTC)
        end = end.astimezone(UTC)
        with localcontext() as context:
            context.prec = 60
            while at < end:
                midnight = datetime.combine(at.date() + timedelta(days=1), time(), UTC)
                price = self.at(at.date(), host=host, model=model, labels=labels)
                if price is None:
                    return None
                used[price.id] = price
                stop = min(midnight, end)
                amount += price.per_hour * _nanoseconds(stop - at) / _HOUR_NS
                at = stop
            amount = amount.quantize(_STEP, ROUND_HALF_EVEN)
        currencies = {price.currency for price in used.values()}
        if len(currencies) > 1:
            raise OverlappingPrices(
                f"the window has prices in {' and '.join(sorted(currencies))}: ask for each currency's part apart"
            )
        return (amount, currencies.pop(), tuple(used.values())) if used else None


def _nanoseconds(length: timedelta) -> int:
    return (length.days * 86_400 + length.seconds) * 10**9 + length.microseconds * 1000
