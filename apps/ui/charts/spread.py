"""Charts without time: how often each value was given, and points of two numbers. Pure; no colour, like figure.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

import plotly.graph_objects as go

from apps.ui.charts.figure import Chart
from apps.ui.format import count_text, money_text, number_text

__all__ = ["Dot", "counts_chart", "dots_chart"]

_LETTER = 0.02  # of the width of a chart on a telephone
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


@dataclass(frozen=True, slots=True)
class Dot:
    """One point: what it is called, what it cost, how it scored, and how many stand behind it."""

    name: str
    cost: Decimal
    value: float
    count: int


def counts_chart(
    *, chart_id: str, title: str, labels: Sequence[str], counts: Sequence[int], value: str, help_text: str = ""
) -> Chart:
    """A bar for each label, in the given order. `value` heads the labels in the table."""
    figure = go.Figure()
    shown = [escape(_short(label), quote=False) for label in labels]
    figure.add_bar(
        x=list(range(len(labels))),
        y=list(counts),
        customdata=[f"{label}: {count_text(count)}" for label, count in zip(shown, counts, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
        meta={"ink": "series-1"},
    )
    # Places and names of our own: a category that reads like a number stays where it was put.
    every = max(1, len(labels) // 4)  # four fit beside one another on a telephone
    axis = {"tickmode": "array", "tickvals": list(range(0, len(labels), every)), "ticktext": shown[::every]}
    total = sum(counts)
    figure.update_layout(
        **_layout({**axis, "showgrid": False, "fixedrange": True, "tickangle": 0}, {"tickformat": "~s", "nticks": 5})
    )
    return Chart(
        id=chart_id, title=title, help=help_text, figure=figure.to_plotly_json(), legend=(("Scores", "series-1"),),
        headers=(value, "Scores", "Share"),
        rows=tuple(
            (label, count_text(count), f"{count / total:.1%}" if total else "")
            for label, count in zip(labels, counts, strict=True)
        ),
        summary=f"{title}: {total} scores in {len(labels)} bars.",
        empty="" if total else "Nothing in this range.",
    )  # fmt: skip


def dots_chart(*, chart_id: str, title: str, dots: Sequence[Dot], value: str, help_text: str = "", empty: str) -> Chart:
    """Cost to the right, the score upward, one point a name."""
    figure = go.Figure()
    dearest = max((dot.cost for dot in dots), default=Decimal(0))
    figure.add_scatter(
        x=[float(dot.cost) for dot in dots],
        y=[dot.value for dot in dots],
        mode="markers+text",
        text=[escape(_short(dot.name), quote=False) for dot in dots],
        textposition=[_side(dot, dearest) for dot in dots],
        cliponaxis=False,  # the name of the best one stands above the highest line
        marker={"size": 10},
        customdata=[
            f"{escape(dot.name, quote=False)}<br>{number_text(dot.value)} at {money_text(dot.cost)}, "
            f"{count_text(dot.count)} score{'' if dot.count == 1 else 's'}"
            for dot in dots
        ],
        hovertemplate="%{customdata}<extra></extra>",
        meta={"ink": "series-1"},
    )
    figure.update_layout(
        **_layout(
            {"tickprefix": "$", "tickformat": "~g", "rangemode": "tozero", "nticks": 6, "fixedrange": True},
            {"tickformat": "~g", "nticks": 5},
        )
    )
    return Chart(
        id=chart_id, title=title, help=help_text, figure=figure.to_plotly_json(), legend=((value, "series-1"),),
        headers=("Model", value, "Cost of a call", "Scores"),
        rows=tuple((dot.name, number_text(dot.value), money_text(dot.cost), count_text(dot.count)) for dot in dots),
        summary=f"{title}: {len(dots)} models.",
        empty="" if dots else empty,
    )  # fmt: skip


def _side(dot: Dot, dearest: Decimal) -> str:
    """Where a name stands: above its point, but toward the middle where the edge of a narrow chart would cut it."""
    half = len(_short(dot.name)) * _LETTER / 2
    across = float(dot.cost / dearest) if dearest else 0.5
    return "top right" if across < half else "top left" if across > 1 - half else "top center"


def _layout(xaxis: dict[str, Any], yaxis: dict[str, Any]) -> dict[str, Any]:
    return {
        "template": go.layout.Template(),
        "bargap": 0.08,
        "hovermode": "closest",
        "showlegend": False,
        "margin": _MARGIN,
        "xaxis": {**xaxis, "automargin": True, "zeroline": False},
        "yaxis": {**yaxis, "automargin": True, "rangemode": "tozero", "fixedrange": True, "zeroline": False},
    }


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:16]}…{name[-11:]}"
