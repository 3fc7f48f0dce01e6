"""Energy and carbon dioxide: joules of a counter, kilowatt-hours, grams by the grid. Pure.

Unknown stays None: no counter, no energy; no figure for a grid, no grams.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

__all__ = ["Grid", "Grids", "increase", "joules_per_token", "kilowatt_hours"]

_JOULES = Decimal(3_600_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Grams of CO2 (equivalent) for each kilowatt-hour of a place's electricity, from a year on."""

    code: str
    grams_per_kwh: Decimal
    valid_from: date
    source: str


class Grids:
    """All that are known."""

    def __init__(self, grids: Iterable[Grid]) -> None:
        self._grids = sorted(grids, key=lambda grid: grid.valid_from)

    def at(self, code: str, day: date) -> Grid | None:
        """Return the newest figure for a place that is not newer than the day."""
        known = [grid for grid in self._grids if grid.code == code.upper()]
        earlier = [grid for grid in known if grid.valid_from <= day]
        return earlier[-1] if earlier else None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every place that is known."""
        return tuple(sorted({grid.code for grid in self._grids}))

    def grams(self, code: str, day: date, kwh: Decimal, *, pue: Decimal = Decimal(1)) -> Decimal | None:
        """Return grams. `pue` is what a data centre uses for each kWh that its machines do."""
        grid = self.at(code, day)
        return None if grid is None else kwh * pue * grid.grams_per_kwh


def increase(readings: Sequence[float]) -> float | None:
    """Return by how much a counter grew over its readings, in their order; after a reset it counts from zero again."""
    if len(readings) < 2:
        return None
    return sum(after - before if after >= before else after for before, after in pairwise(readings))


def kilowatt_hours(joules: float) -> Decimal:
    """Return kWh."""
    return Decimal(repr(joules)) / _JOULES


def joules_per_token(joules: float | None, tokens: int | None) -> float | None:
    """Return None unless both are known and there was a token."""
    return None if joules is None or not tokens else joules / tokens
