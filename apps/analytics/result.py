"""Rows → typed answers: buckets filled, not-a-number turned into unknown, change against the period before. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.analytics.plan import Width
from apps.analytics.query import TimeRange

__all__ = [
    "Bucket",
    "Cell",
    "Measures",
    "ModelRow",
    "ModelSeries",
    "Numbers",
    "Overview",
    "Table",
    "TableRow",
    "cell_from",
    "change",
    "filled",
    "measures_from",
    "numbers_from",
]

Measures = Mapping[str, float | None]
Cell = str | int | float | Decimal | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the overview says about some spans. Counts of nothing are 0; measures of nothing are None. Seconds, US
    dollars.
    """

    requests: int = 0
    errors: int = 0
    traces: int = 0
    spans: int = 0
    cost: Decimal | None = Decimal(0)
    unpriced: int = 0
    estimated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    latency_p50: float | None = None
    latency_p95: float | None = None
    latency_p99: float | None = None
    ttft_p50: float | None = None
    ttft_p95: float | None = None
    ttft_p99: float | None = None

    @property
    def error_rate(self) -> float | None:
        """Failed requests among all, from 0 to 1."""
        return self.errors / self.requests if self.requests else None

    @property
    def tokens(self) -> int:
        """Input and output; cached and reasoning tokens are among them."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of time. `numbers` is None where nothing can be known yet: the future."""

    start: datetime
    numbers: Numbers | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of one provider."""

    model: str
    provider: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class ModelSeries:
    """A model over time, a value a bucket; None where the bucket is in the future, or the cost unknown."""

    model: str
    provider: str
    cost: tuple[Decimal | None, ...]
    requests: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The overview page and its JSON twin."""

    range: TimeRange
    previous_range: TimeRange
    width: Width
    totals: Numbers
    previous: Numbers
    series: tuple[Bucket, ...]
    models: tuple[ModelRow, ...]
    model_series: tuple[ModelSeries, ...]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A group: its dimensions, then its metrics, in the order of the table's names."""

    dimensions: tuple[Cell, ...]
    metrics: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The answer to any aggregate query."""

    range: TimeRange
    source: str
    width: Width | None
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[TableRow, ...]


def cell_from(value: object) -> Cell:
    """A measure of nothing comes as not-a-number: unknown."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | Decimal | datetime):
        return value
    return str(value)


def numbers_from(names: Sequence[str], sums: Sequence[object], measures: Measures) -> Numbers:
    """One row of sums, in the order of `names`, and the percentiles that go with it."""
    cells = {name: cell_from(value) for name, value in zip(names, sums, strict=True)}
    return Numbers(**cells, **measures)  # type: ignore[arg-type]


def measures_from(names: Sequence[str], values: Sequence[object]) -> Measures:
    """Percentiles by name, None where nothing was measured."""
    cells = zip(names, (cell_from(value) for value in values), strict=True)
    return {name: value if isinstance(value, float) else None for name, value in cells}


def filled(starts: Sequence[datetime], found: dict[int, Numbers], *, now: datetime) -> tuple[Bucket, ...]:
    """A bucket for every start: what was found, nothing (zero) in the past, unknown in the future."""
    return tuple(
        Bucket(start, found.get(number) or (Numbers() if start <= now else None)) for number, start in enumerate(starts)
    )


def change(now: Decimal | float | None, before: Decimal | float | None) -> float | None:
    """Growth as a ratio: 0.2 is a fifth more. None where there is nothing to compare with."""
    if now is None or before is None or not before:
        return None
    return float(now) / float(before) - 1
