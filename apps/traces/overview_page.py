"""An Overview → what the overview page shows. Pure: hrefs, tiles and tables from numbers; no reads, no clock."""

from decimal import Decimal

from django.http import QueryDict

from apps.analytics.overview import change
from apps.analytics.result import ModelRow, Numbers, Overview
from apps.traces.contexts import Delta, ModelLine, OverviewContext, Problem, Tile
from apps.ui.charts.overview import inks_of, overview_charts
from apps.ui.format import count_text, duration_text, exact_money, money_text, percent_text
from apps.ui.links import changed
from apps.ui.onboarding import Onboarding
from apps.ui.range_picker import RangePicker, range_text

__all__ = ["broken_overview_page", "overview_page"]

_RANGE = ("range", "from", "to", "tz")


def overview_page(
    answer: Overview, *, parameters: QueryDict, picker: RangePicker, list_path: str, onboarding: Onboarding
) -> OverviewContext:
    """Return the page for an answer."""
    compare = parameters.get("compare") == "1"
    empty = not answer.totals.spans and not answer.totals.requests
    return OverviewContext(
        picker=picker,
        compare=compare,
        compare_href=changed(parameters, {"compare": None if compare else "1"}),
        compared_with=range_text(answer.previous_range, zone=picker.zone),
        tiles=() if empty else _tiles(answer, compare=compare, list_link=_Links(parameters, list_path)),
        charts=() if empty else overview_charts(answer),
        models=_models(answer, _Links(parameters, list_path)),
        onboarding=onboarding if empty else None,
        problem=None,
    )


def broken_overview_page(problem: Problem, *, picker: RangePicker) -> OverviewContext:
    """Return the page that says which parameter is wrong."""
    return OverviewContext(
        picker=picker,
        compare=False,
        compare_href="?",
        compared_with="",
        tiles=(),
        charts=(),
        models=(),
        onboarding=None,
        problem=problem,
    )


class _Links:
    """Addresses of the trace list for the same time."""

    def __init__(self, parameters: QueryDict, path: str) -> None:
        self._kept = QueryDict(mutable=True)
        for name in _RANGE:
            if value := parameters.get(name):
                self._kept[name] = value
        self._path = path

    def to(self, **filters: str) -> str:
        return changed(self._kept, filters, path=self._path)


def _tiles(answer: Overview, *, compare: bool, list_link: _Links) -> tuple[Tile, ...]:
    now, before = answer.totals, answer.previous if compare else None
    cached = now.cache_read_tokens / now.input_tokens if now.input_tokens else 0
    return (
        Tile(
            label="Spend",
            value=money_text(now.cost),
            title=exact_money(now.cost),
            delta=_delta(now.cost, before.cost if before else None, shown=compare),
            note=f"{count_text(now.unpriced)} {_calls(now.unpriced)} unpriced" if now.unpriced else "every call priced",
            note_href=list_link.to(cost_status="unpriced") if now.unpriced else "",
            tone="warn" if now.unpriced else "",
        ),
        Tile(
            label="Requests",
            value=count_text(now.requests),
            title=f"{now.requests:,}",
            delta=_delta(now.requests, before.requests if before else None, shown=compare),
            note=f"in {count_text(now.traces)} {'trace' if now.traces == 1 else 'traces'}",
        ),
        Tile(
            label="Error rate",
            value=percent_text(now.error_rate),
            delta=_delta(now.error_rate, before.error_rate if before else None, shown=compare, up_is="bad"),
            note=f"{count_text(now.errors)} failed" if now.errors else "none failed",
            note_href=list_link.to(status="error") if now.errors else "",
        ),
        Tile(
            label="Tokens",
            value=count_text(now.tokens),
            title=f"{now.tokens:,}",
            delta=_delta(now.tokens, before.tokens if before else None, shown=compare),
            parts=(
                ("in", count_text(now.input_tokens)),
                ("out", count_text(now.output_tokens)),
            ),
            note=f"{percent_text(cached)} of input from cache"
            + (f", {count_text(now.estimated)} {_calls(now.estimated)} estimated" if now.estimated else ""),
        ),
        _quantiles("Latency", now, before, what="latency", shown=compare),
        _quantiles("Time to first token", now, before, what="ttft", shown=compare),
    )


def _calls(number: int) -> str:
    return "call" if number == 1 else "calls"


def _quantiles(label: str, now: Numbers, before: Numbers | None, *, what: str, shown: bool) -> Tile:
    middle, high, highest = (getattr(now, f"{what}_{name}") for name in ("p50", "p95", "p99"))
    return Tile(
        label=label,
        value=duration_text(high),
        unit="p95",
        title="exact of up to 10,000 spans in the range, else to one percent of a call's value",
        delta=_delta(high, getattr(before, f"{what}_p95") if before else None, shown=shown, up_is="bad"),
        parts=(("p50", duration_text(middle)), ("p99", duration_text(highest))),
    )


def _delta(
    now: Decimal | float | None, before: Decimal | float | None, *, shown: bool, up_is: str = ""
) -> Delta | None:
    if not shown:
        return None
    ratio = change(now, before)
    if ratio is None:
        return Delta("no comparison", "", "The period before has no value to compare with.")
    sign = "+" if ratio > 0 else "\N{MINUS SIGN}" if ratio < 0 else "±"
    tone = "" if not up_is or abs(ratio) < 0.005 else up_is if ratio > 0 else "good"
    size = f"{abs(ratio) + 1:.1f}\N{MULTIPLICATION SIGN}" if ratio >= 9.995 else percent_text(round(abs(ratio), 3))
    return Delta(
        size if "\N{MULTIPLICATION SIGN}" in size else f"{sign}{size}",
        tone,
        f"before: {before:,.6g}" if before is not None else "",
    )


def _models(answer: Overview, links: _Links) -> tuple[ModelLine, ...]:
    inks = inks_of([(row.provider, row.model) for row in answer.models])
    total = answer.totals.cost or Decimal(0)
    return tuple(_line(row, total=total, ink=inks[row.provider, row.model], links=links) for row in answer.models)


def _line(row: ModelRow, *, total: Decimal, ink: str, links: _Links) -> ModelLine:
    numbers = row.numbers
    share = float(numbers.cost / total) if numbers.cost is not None and total else None
    filters = {"model": row.model, "provider": row.provider}
    # A sum over calls of which none has a price is not a cost of nothing.
    known = numbers.cost if numbers.cost or numbers.unpriced < numbers.requests else None
    return ModelLine(
        model=row.model,
        provider=row.provider,
        ink=ink,
        href=links.to(**filters),
        requests=numbers.requests,
        input_tokens=numbers.input_tokens,
        output_tokens=numbers.output_tokens,
        cost=known,
        share=share if known is not None else None,
        share_width=f"{min(1.0, share or 0) * 100:.1f}%",
        latency=numbers.latency_p95,
        ttft=numbers.ttft_p95,
        errors=numbers.errors,
        error_rate=numbers.error_rate,
        unpriced=numbers.unpriced,
        unpriced_href=links.to(**filters, cost_status="unpriced"),
    )
