"""A score's trend → its charts. Pure."""

from decimal import Decimal

from apps.analytics.score_trends import ScoreTrend
from apps.analytics.sql.judged import SCORE_BY
from apps.ui.charts import Chart, Series, Unit, timeseries
from apps.ui.charts.spread import Dot, counts_chart, dots_chart
from apps.ui.format import number_text

__all__ = ["trend_charts"]

_MOST_INKS = 7


def trend_charts(trend: ScoreTrend) -> tuple[Chart, ...]:
    """Over time, how many, how they are spread, and beside cost."""
    return tuple(chart for chart in (_course(trend), _counts(trend), _spread(trend), _costs(trend)) if chart)


def _course(trend: ScoreTrend) -> Chart:
    boolean = trend.data_type == "boolean"
    if trend.categories and not boolean:
        lines = [(one.category, one.shares) for one in trend.categories[:_MOST_INKS]]
        title, what = "Share of each category", "of all verdicts"
    else:
        lines = [("All", tuple(bucket.mean for bucket in trend.series))]
        if len(trend.groups) > 1:
            lines += [(one.group or "(none)", one.means) for one in trend.groups if any(one.means)]
        title = "Share that is true" if boolean else "Mean"
        what = f"by {SCORE_BY[trend.by].label.lower()}" if len(lines) > 1 else ""
    share = boolean or bool(trend.categories)
    return timeseries(
        chart_id="chart-course",
        title=title,
        help_text=what,
        starts=[bucket.start for bucket in trend.series],
        width_seconds=float(trend.width_seconds),
        series=[
            Series(name=name, values=tuple(values), ink=_ink(at), line=True) for at, (name, values) in enumerate(lines)
        ],
        unit=Unit.SHARE if share else Unit.NUMBER,
        empty="No verdict in this range.",
        zeros=True,
    )


def _counts(trend: ScoreTrend) -> Chart:
    return timeseries(
        chart_id="chart-counts",
        title="Scores",
        help_text="with and without a verdict",
        starts=[bucket.start for bucket in trend.series],
        width_seconds=float(trend.width_seconds),
        series=(
            Series(name="Without a verdict", values=tuple(one.no_verdict for one in trend.series), ink="chart-error"),
            Series(
                name="With a verdict", values=tuple(one.count - one.no_verdict for one in trend.series), ink="series-1"
            ),
        ),
        unit=Unit.COUNT,
    )


def _spread(trend: ScoreTrend) -> Chart:
    if trend.categories:
        labels, counts = [one.category for one in trend.categories], [one.count for one in trend.categories]
    else:
        labels = [f"{number_text(one.lower)} to {number_text(one.upper)}" for one in trend.bins]
        counts = [one.count for one in trend.bins]
    return counts_chart(
        chart_id="chart-spread", title="Distribution", labels=labels, counts=counts, value="Value",
        help_text="how often each verdict was given",
    )  # fmt: skip


def _costs(trend: ScoreTrend) -> Chart | None:
    if trend.totals.mean is None:
        return None
    return dots_chart(
        chart_id="chart-costs",
        title="Score beside cost",
        dots=[Dot(one.model or "unknown model", Decimal(one.cost), one.mean, one.count) for one in trend.costs],
        value="Share that is true" if trend.data_type == "boolean" else "Mean",
        help_text="by model; cost of a judged call, in USD",
        empty="No judged call of a known price in this range.",
    )


def _ink(at: int) -> str:
    return f"series-{at + 1}" if at < _MOST_INKS else "series-rest"
