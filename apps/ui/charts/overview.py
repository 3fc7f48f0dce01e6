"""The four charts of the overview. The inks of models are decided here once, so that chart, legend and table agree."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from apps.analytics.result import Overview
from apps.ui.charts.figure import Chart, Series, Unit, timeseries

__all__ = ["MOST_MODELS", "inks_of", "overview_charts"]

MOST_MODELS = 7


def inks_of(models: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(provider, model) in order of weight → ink; those after the seventh share one."""
    return {key: f"series-{at + 1}" if at < MOST_MODELS else "series-rest" for at, key in enumerate(models)}


def overview_charts(overview: Overview) -> tuple[Chart, ...]:
    """Spend by model, requests and errors, latency, time to first token."""
    starts = [bucket.start for bucket in overview.series]
    width = float(overview.width.seconds)
    return (
        _spend(overview, starts, width),
        _requests(overview, starts, width),
        _quantiles(overview, starts, width, what="latency"),
        _quantiles(overview, starts, width, what="ttft"),
    )


def _spend(overview: Overview, starts: list[datetime], width: float) -> Chart:
    inks = inks_of([(row.provider, row.model) for row in overview.models])
    named = [
        one
        for one in overview.model_series
        if any(one.cost) and inks.get((one.provider, one.model), "series-rest") != "series-rest"
    ]
    series = [
        Series(name=one.model or "unknown model", values=one.cost, ink=inks[one.provider, one.model]) for one in named
    ]
    rest = tuple(
        _left(bucket.numbers.cost if bucket.numbers else None, [one.cost[at] for one in named])
        for at, bucket in enumerate(overview.series)
    )
    if any(rest):
        series.append(Series(name="other models", values=rest, ink="series-rest"))
    return timeseries(
        chart_id="chart-spend",
        title="Spend by model",
        help_text=f"USD per {overview.width.label}",
        starts=starts,
        width_seconds=width,
        series=series,
        unit=Unit.MONEY,
        empty="No priced calls in this range.",
    )


def _left(total: Decimal | None, parts: Sequence[Decimal | None]) -> Decimal | None:
    """What the named layers leave of a bucket's total."""
    if total is None:
        return None
    return max(Decimal(0), total - sum((part for part in parts if part is not None), Decimal(0)))


def _requests(overview: Overview, starts: list[datetime], width: float) -> Chart:
    numbers = [bucket.numbers for bucket in overview.series]
    return timeseries(
        chart_id="chart-requests",
        title="Requests and errors",
        help_text=f"per {overview.width.label}",
        starts=starts,
        width_seconds=width,
        series=(
            Series(name="Errors", values=tuple(n.errors if n else None for n in numbers), ink="chart-error"),
            Series(
                name="Succeeded",
                values=tuple(max(0, n.requests - n.errors) if n else None for n in numbers),
                ink="series-1",
            ),
        ),
        unit=Unit.COUNT,
        empty="No requests in this range.",
    )


def _quantiles(overview: Overview, starts: list[datetime], width: float, *, what: str) -> Chart:
    names = (("p50", "series-1"), ("p95", "series-2"), ("p99", "series-5"))
    series = [
        Series(
            name=name,
            values=tuple(getattr(b.numbers, f"{what}_{name}") if b.numbers else None for b in overview.series),
            ink=ink,
            line=True,
        )
        for name, ink in names
    ]
    streaming = what == "ttft"
    return timeseries(
        chart_id=f"chart-{what}",
        title="Time to first token" if streaming else "Latency",
        help_text="streamed calls" if streaming else "start to last byte",
        starts=starts,
        width_seconds=width,
        series=series,
        unit=Unit.SECONDS,
        empty="No streamed calls in this range." if streaming else "No requests in this range.",
    )
