"""Bars of values and points of two numbers: valid figures without a colour, and the same numbers as a table."""

import json
from decimal import Decimal

import plotly.graph_objects as go

from apps.ui.charts.spread import Dot, counts_chart, dots_chart
from apps.ui.format import DASH, number_text
from tests.browser.sample import HOSTILE


def test_bars_stand_where_they_were_put_and_say_their_share() -> None:
    made = counts_chart(chart_id="c", title="T", labels=["10", HOSTILE, "9"], counts=[3, 1, 0], value="Value")
    go.Figure(made.figure)
    assert list(made.figure["data"][0]["y"]) == [3, 1, 0]
    assert made.rows == (("10", "3", "75.0%"), (HOSTILE, "1", "25.0%"), ("9", "0", "0.0%"))
    text = json.dumps(made.figure)
    assert "<script" not in text
    assert '"color"' not in text
    assert not made.empty
    assert counts_chart(chart_id="c", title="T", labels=["a"], counts=[0], value="Value").empty


def test_points_carry_their_names_and_exact_costs() -> None:
    dots = [Dot(HOSTILE, Decimal("0.0001"), 0.75, 12), Dot("b", Decimal(2), 0.5, 3)]
    made = dots_chart(chart_id="c", title="T", dots=dots, value="Mean", empty="none")
    go.Figure(made.figure)
    assert "<script" not in json.dumps(made.figure)
    assert made.rows == ((HOSTILE, "0.75", "$0.0001", "12"), ("b", "0.5", "$2.00", "3"))
    assert dots_chart(chart_id="c", title="T", dots=[], value="Mean", empty="none").empty == "none"


def test_names_that_an_edge_would_cut_stand_toward_the_middle() -> None:
    dots = [Dot("smollm2-135m-instruct", Decimal(cost), 0.5, 1) for cost in ("0.1", "0.5", "1")]
    made = dots_chart(chart_id="c", title="T", dots=dots, value="Mean", empty="none")
    assert made.figure["data"][0]["customdata"][0].endswith("1 score")
    assert list(made.figure["data"][0]["textposition"]) == ["top right", "top center", "top left"]
    free = dots_chart(chart_id="c", title="T", dots=[Dot("own", Decimal(0), 0.5, 1)], value="Mean", empty="none")
    assert list(free.figure["data"][0]["textposition"]) == ["top center"]


def test_a_measured_number_has_three_digits() -> None:
    assert [number_text(one) for one in (None, 0, 0.73349, 12.349, 1234.5, -0.5)] == [
        DASH,
        "0",
        "0.733",
        "12.3",
        "1,234.5",
        "-0.5",
    ]
