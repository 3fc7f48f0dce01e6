"""The course of a rule as a chart: the value, what was usual, the band, and where it fired. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from apps.alerts.backtest import Backtest, Judged
from apps.alerts.labels import labels_text
from apps.alerts.metrics import WATCHED
from apps.alerts.series import MetricKind
from apps.alerts.spec import RuleSpec
from apps.ui.charts import Chart, Series, Unit, timeseries

__all__ = ["course_chart"]

_MOST_POINTS = 480
_UNITS = {"USD": Unit.MONEY, "seconds": Unit.SECONDS, "score": Unit.NUMBER}


def course_chart(spec: RuleSpec, course: Backtest, *, chart_id: str, title: str) -> Chart:
    """Draw at most some hundreds of points: of those that share a place the strangest is kept."""
    shown = _thinned(course.judged)
    unit = WATCHED[spec.metric].unit
    share = spec.metric_kind is MetricKind.RATIO
    step = spec.needs.step if len(shown) == len(course.judged) else _step(shown, spec.needs.step)

    def values(numbers: Sequence[float | None]) -> tuple[Decimal | float | None, ...]:
        scaled = [None if number is None else number * 100 if share else number for number in numbers]
        if unit == "USD":
            return tuple(None if one is None else Decimal(f"{one:.8f}") for one in scaled)
        return tuple(None if one is None else round(one, 4) for one in scaled)

    # A limit far above everything that was seen would leave the values a line on the floor.
    known = [abs(one.point.value) for one in shown if one.point.value is not None]
    top = 1.5 * max([*known, *(one.verdict.baseline or 0.0 for one in shown)], default=0.0)
    layers = [
        ("Value", "series-1", [one.point.value for one in shown]),
        ("Usual", "series-4", [one.verdict.baseline for one in shown]),
        ("Upper limit", "chart-previous", [_below(one.verdict.upper, top) for one in shown]),
        ("Lower limit", "chart-previous", [one.verdict.lower for one in shown]),
        ("Firing", "chart-error", [one.point.value if one.firing else None for one in shown]),
    ]
    named = labels_text(course.labels)
    burns = spec.detector.kind == "burn_rate"  # its limits are speeds, not amounts
    return timeseries(
        chart_id=chart_id,
        title=f"{title}{f': {named}' if named else ''}",
        help_text="percent" if share else unit,
        starts=[one.point.start for one in shown],
        width_seconds=step.total_seconds(),
        series=[
            Series(name=name, values=values(numbers), ink=ink, line=True)
            for name, ink, numbers in layers
            if name == "Value" or (any(one is not None for one in numbers) and not (burns and "imit" in name))
        ],
        unit=_UNITS.get(unit, Unit.COUNT),
        empty="Nothing was measured in this time.",
    )


def _below(limit: float | None, top: float) -> float | None:
    return None if limit is None or (top and limit > top) else limit


def _step(shown: Sequence[Judged], least: timedelta) -> timedelta:
    return max(least, (shown[-1].point.start - shown[0].point.start) / max(1, len(shown) - 1)) if shown else least


def _thinned(judged: Sequence[Judged]) -> list[Judged]:
    size = -(-len(judged) // _MOST_POINTS)
    return [max(judged[at : at + size], key=_strangeness) for at in range(0, len(judged), max(1, size))]


def _strangeness(one: Judged) -> tuple[bool, bool, float]:
    value, usual = one.point.value, one.verdict.baseline
    return one.firing, value is not None, abs((value or 0.0) - (usual or 0.0))
