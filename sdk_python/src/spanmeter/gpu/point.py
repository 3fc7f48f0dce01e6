"""One measured number or distribution, before it is OTLP. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Histogram", "Instrument", "Point"]


class Instrument(StrEnum):
    """What a value does over time."""

    GAUGE = "gauge"  # what it is now
    COUNTER = "counter"  # grows from zero; a smaller value means that it began again
    HISTOGRAM = "histogram"  # a counter for each bucket


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values were seen since the start: up to each bound, and in all. `counts` has one more than `bounds`."""

    count: int
    sum: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of one series. `resource` says what was measured where it is not the host itself."""

    name: str
    value: float | int | Histogram
    unit: str
    instrument: Instrument = Instrument.GAUGE
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What makes a series: its name and its attributes."""
        return (self.name, tuple(sorted(self.attributes.items())))
