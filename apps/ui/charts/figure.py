"""One time series chart as a plotly figure, with the same numbers as a table.

Pure; holds no colour, no font and no locale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from html import escape
from typing import Any

import plotly.graph_objects as go

from apps.ui.format import DASH, count_text, duration_text, money_text, number_text, percent_text

__all__ = ["Chart", "Series", "Unit", "timeseries"]

Value = Decimal | int | float | None


class Unit(StrEnum):
    """What the numbers are; decides the axis and how a value is written."""

    MONEY = "money"
    COUNT = "count"
    SECONDS = "seconds"
    NUMBER = "number"
    SHARE = "share"
    WATTS = "W"
    CELSIUS = "°C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line or one layer of bars. `ink` is the name of a CSS token without its dashes; None is a gap."""

    name: str
    values: tuple[Value, ...]
    ink: str
    line: bool = False
    drawn: bool = True  # False: in the table only


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What components/chart.html draws. `figure` goes to the browser as JSON; `rows` is the alternative table."""

    id: str
    title: str
    help: str
    figure: dict[str, Any]
    legend: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summary: str
    empty: str

    @property
    def data_id(self) -> str:
        """Id of the element that carries the figure."""
        return f"{self.id}-data"


def timeseries(
    *,
    chart_id: str,
    title: str,
    starts: Sequence[datetime],
    width_seconds: float,
    series: Sequence[Series],
    unit: Unit,
    help_text: str = "",
    empty: str = "",
    zeros: bool = False,
) -> Chart:
    """Return bars (stacked) and lines over buckets of one width. `empty` is what to say when no series has a value.

    `zeros`: a series of nothing but zeros was measured, and is drawn.
    """
    written = _written(unit)
    # Wall-clock times without an offset: the axis shows the zone that the buckets were cut in.
    wall = [start.replace(tzinfo=None).isoformat() for start in starts]
    figure = go.Figure()
    shown = [one for one in series if one.drawn]
    for one in shown:
        shared: dict[str, Any] = {
            "x": wall,
            "y": [None if value is None else float(value) for value in one.values],
            "name": escape(_short(one.name), quote=False),
            "customdata": [written(value) for value in one.values],
            "hovertemplate": "%{customdata}",
            "meta": {"ink": one.ink},
            "xperiod": width_seconds * 1000,
            "xperiodalignment": "middle",
        }
        if one.line:
            # A lone point between gaps has no line: the marker keeps it visible.
            mode = "lines+markers" if _has_islands(one.values) else "lines"
            figure.add_scatter(**shared, mode=mode, marker={"size": 4}, line={"width": 1.75})
        else:
            figure.add_bar(**shared)
    known = [[value for value in one.values if value is not None] for one in series]
    nothing = not any(known) if zeros else not any(value for values in known for value in values)
    figure.update_layout(
        template=go.layout.Template(),
        barmode="stack",
        bargap=0.22,
        hovermode="x unified",
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={
            "type": "date",
            "automargin": True,
            "showgrid": False,
            "fixedrange": True,
            "hoverformat": _moment_format(width_seconds),
            "tickformat": _tick_format(starts, width_seconds),
            "nticks": 8,
            "tickangle": 0,
        },
        yaxis={
            **_axis(unit, _top(shown)),
            "automargin": True,
            "rangemode": "tozero",
            "fixedrange": True,
            "nticks": 5,
            "zeroline": False,
        },
    )
    return Chart(
        id=chart_id,
        title=title,
        help=help_text,
        figure=figure.to_plotly_json(),
        legend=tuple((one.name, one.ink) for one in shown),
        headers=("Time", *(one.name for one in series)),
        rows=tuple(
            (f"{start:%Y-%m-%d %H:%M}", *(written(one.values[at]) for one in series)) for at, start in enumerate(starts)
        ),
        summary=_summary(title, starts, series, written),
        empty=(empty or "Nothing in this range.") if nothing else "",
    )


def _written(unit: Unit) -> Any:
    if unit in {Unit.WATTS, Unit.CELSIUS}:
        return lambda value: DASH if value is None else f"{value:,.0f} {unit.value}"
    return {
        Unit.MONEY: money_text,
        Unit.COUNT: count_text,
        Unit.SECONDS: duration_text,
        Unit.NUMBER: number_text,
        Unit.SHARE: percent_text,
    }[unit]


def _short(name: str) -> str:
    return name if len(name) <= 44 else f"{name[:28]}…{name[-14:]}"


def _has_islands(values: Sequence[Value]) -> bool:
    padded = (None, *values, None)
    return any(
        padded[at] is not None and padded[at - 1] is None and padded[at + 1] is None for at in range(1, len(padded) - 1)
    )


def _top(series: Sequence[Series]) -> float:
    bars = [one.values for one in series if not one.line]
    stacked = [sum(float(value or 0) for value in column) for column in zip(*bars, strict=True)] if bars else []
    lines = [float(value) for one in series if one.line for value in one.values if value is not None]
    return max([*stacked, *lines], default=0.0)


def _axis(unit: Unit, top: float) -> dict[str, Any]:
    if unit is Unit.SECONDS:
        return {"tickformat": "~s", "ticksuffix": "s"}
    if unit in {Unit.WATTS, Unit.CELSIUS}:
        return {"tickformat": "~s", "ticksuffix": f" {unit.value}"}
    if unit is Unit.SHARE:
        return {"tickformat": ".0%" if top >= 0.05 else "~%", **({"range": [0, 1]} if 0.5 < top <= 1 else {})}
    if unit is Unit.NUMBER:
        return {"tickformat": "~g" if top < 1000 else "~s"}
    if unit is Unit.COUNT:
        return {"tickformat": "~s", **({"dtick": 1} if top <= 4 else {})}
    form = ".3~s" if top >= 10_000 else ",.0f" if top >= 10 else ".2f" if top >= 0.1 else "~g"
    return {"tickformat": form, "tickprefix": "$"}


def _moment_format(width_seconds: float) -> str:
    return "%a %d %b %Y" if width_seconds >= 86_400 else "%a %d %b, %H:%M"


def _tick_format(starts: Sequence[datetime], width_seconds: float) -> str:
    days = (starts[-1] - starts[0]).days if starts else 0
    return "%H:%M\n%-d %b" if days < 4 and width_seconds < 86_400 else "%-d %b\n%Y"


def _summary(title: str, starts: Sequence[datetime], series: Sequence[Series], written: Any) -> str:
    if not starts:
        return f"{title}: no data."
    parts = []
    for one in series:
        known = [value for value in one.values if value is not None]
        if known:
            parts.append(f"{one.name}: lowest {written(min(known))}, highest {written(max(known))}")
    return f"{title}, {starts[0]:%Y-%m-%d %H:%M} to {starts[-1]:%Y-%m-%d %H:%M}. {'; '.join(parts)}."
