"""What the pattern page shows: made-up values that stretch each component. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.ui.charts import Chart, Series, Unit, timeseries
from apps.ui.onboarding import Onboarding
from apps.ui.range_picker import RangePicker

__all__ = ["PatternsContext", "Swatch", "pattern_charts"]


@dataclass(frozen=True, slots=True)
class Swatch:
    """One ink by its token's name."""

    ink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternsContext:
    """The pattern page."""

    picker: RangePicker
    charts: tuple[Chart, ...]  # bars, lines, and one without values
    swatches: tuple[Swatch, ...]
    amounts: tuple[Decimal, ...]
    counts: tuple[int, ...]
    durations: tuple[float, ...]
    shares: tuple[float, ...]
    moments: tuple[datetime, ...]
    now: datetime
    onboarding: Onboarding
    json: str


def pattern_charts(now: datetime) -> tuple[Chart, ...]:
    """A chart of each form, and an empty one."""
    starts = [now - timedelta(hours=12 - hour) for hour in range(12)]
    bars = tuple(
        Series(name=f"model {letter}", values=tuple(Decimal(hour + 2) / weight for hour in range(12)), ink=ink)
        for letter, weight, ink in (("a", 10, "series-1"), ("b", 24, "series-2"), ("c", 60, "series-3"))
    )
    lines = tuple(
        Series(
            name=name,
            values=tuple(None if hour in {4, 6} else base * (1 + hour % 3 / 8) for hour in range(12)),
            ink=ink,
            line=True,
        )
        for name, base, ink in (("p50", 0.4, "series-1"), ("p95", 1.1, "series-2"))
    )
    return (
        _chart("pattern-bars", "Bars", starts, bars, Unit.MONEY),
        _chart("pattern-lines", "Lines with gaps", starts, lines, Unit.SECONDS),
        _chart("pattern-none", "Without values", starts, (), Unit.COUNT),
    )


def _chart(chart_id: str, title: str, starts: list[datetime], series: tuple[Series, ...], unit: Unit) -> Chart:
    return timeseries(
        chart_id=chart_id,
        title=title,
        help_text="per hour",
        starts=starts,
        width_seconds=3600,
        series=series,
        unit=unit,
        empty="Nothing in this range.",
    )
