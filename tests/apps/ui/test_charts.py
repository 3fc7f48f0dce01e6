"""Figures are valid plotly, carry no colour, and their table says the same."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import plotly.graph_objects as go
import pytest

from apps.ui.charts import Chart, Series, Unit, timeseries
from apps.ui.charts.overview import overview_charts
from tests.browser.sample import HOSTILE, SIZES, overview_of

STARTS = [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in range(4)]


def chart(*series: Series, unit: Unit = Unit.COUNT) -> Chart:
    """A chart over four hours."""
    return timeseries(chart_id="c", title="Spend", starts=STARTS, width_seconds=3600, series=series, unit=unit)


def test_a_gap_is_a_gap_and_not_zero() -> None:
    made = chart(Series(name="a", values=(Decimal("0.5"), None, Decimal(0), None), ink="series-1"), unit=Unit.MONEY)
    assert made.figure["data"][0]["y"] == [0.5, None, 0.0, None]
    assert [row[1] for row in made.rows] == ["$0.50", "\N{EN DASH}", "$0", "\N{EN DASH}"]


def test_a_lone_point_between_gaps_is_visible() -> None:
    made = chart(Series(name="p50", values=(1.0, None, 2.0, None), ink="series-1", line=True), unit=Unit.SECONDS)
    assert "markers" in made.figure["data"][0]["mode"]


def test_nothing_to_draw_is_said() -> None:
    assert chart().empty
    assert chart(Series(name="a", values=(0, 0, 0, None), ink="series-1")).empty
    assert not chart(Series(name="a", values=(0, 1, 0, None), ink="series-1")).empty


def test_few_things_are_counted_in_whole_steps() -> None:
    for most in (0, 1, 4):
        made = timeseries(
            chart_id="c",
            title="Preemptions",
            starts=STARTS,
            width_seconds=3600,
            series=(Series(name="a", values=(0, most, 0, None), ink="series-1"),),
            unit=Unit.COUNT,
            zeros=True,
        )
        assert made.figure["layout"]["yaxis"]["dtick"] == 1


def test_markup_in_a_name_is_not_read_by_plotly() -> None:
    made = chart(Series(name=HOSTILE, values=(1, 2, 3, 4), ink="series-1"))
    assert "<" not in made.figure["data"][0]["name"]


def test_what_is_not_drawn_is_in_the_table() -> None:
    made = chart(Series(name="Accepted", values=(1, 2, 3, 4), ink="series-1", drawn=False), unit=Unit.COUNT)
    assert made.figure["data"] == []
    assert made.headers == ("Time", "Accepted")


@pytest.mark.parametrize("size", SIZES)
def test_the_overview_draws_valid_figures_without_a_colour(size: str) -> None:
    for made in overview_charts(overview_of(size)):
        go.Figure(made.figure)
        text = json.dumps(made.figure)
        assert '"color"' not in text
        assert "#" not in text


def test_the_layers_of_spend_add_up_to_the_total() -> None:
    answer = overview_of("much")
    spend = overview_charts(answer)[0].figure["data"]
    for at, bucket in enumerate(answer.series):
        known = [trace["y"][at] for trace in spend if trace["y"][at] is not None]
        if bucket.numbers and bucket.numbers.cost is not None:
            assert sum(known) == pytest.approx(float(bucket.numbers.cost))


def test_the_future_is_not_drawn() -> None:
    answer = overview_of("much")
    future = [at for at, bucket in enumerate(answer.series) if bucket.numbers is None]
    for made in overview_charts(answer):
        for trace in made.figure["data"]:
            assert all(trace["y"][at] is None for at in future)


def test_times_are_those_of_the_zone_that_cut_the_buckets() -> None:
    made = chart(Series(name="a", values=(1, 2, 3, 4), ink="series-1"))
    assert made.figure["data"][0]["x"][1] == "2026-11-20T01:00:00"
    assert made.figure["data"][0]["xperiod"] == timedelta(hours=1).total_seconds() * 1000
