"""Fleet, servers, courses and bills → what the page shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import QueryDict

from apps.analytics.gpu import GpuRow, ServingRow
from apps.analytics.gpu_cost import HostCost
from apps.analytics.gpu_series import GpuTimes, ServerTimes, Timeline
from apps.gpu.charts import gpu_charts, gpu_key, server_charts, server_key
from apps.gpu.comparable import Own, api_prices, own_price
from apps.gpu.contexts import Comparison, GpuContext, GpuLine, GridForm, HostLine
from apps.ui.links import Choice, changed, hidden_fields
from apps.ui.range_picker import RangePicker
from ingestion.currency import Rates
from ingestion.gpu_money.energy import Grids
from ingestion.pricebook import PriceBook

__all__ = ["Found", "broken_gpu_page", "gpu_page"]

_TONES = {"ok": "ok", "failed": "error"}
_OPEN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read of the range, and the prices of the day."""

    gpus: Sequence[GpuRow]
    servers: Sequence[ServingRow]
    hosts: Sequence[HostCost]
    times: Timeline | None
    book: PriceBook
    rates: Rates
    grids: Grids
    price_problem: str = ""


def gpu_page(
    found: Found, *, parameters: QueryDict, picker: RangePicker, now: datetime, zone: str, grid: str, pue: Decimal
) -> GpuContext:
    """Return the page. `gpu` and `server` in the address say whose charts are wanted."""
    gpu, server = parameters.get("gpu", ""), parameters.get("server", "")
    drawn = found.times.gpus if found.times else ()
    one = [times for times in drawn if gpu_key(times.host, times.device) == gpu]
    served = found.times.servers if found.times else ()
    chosen = _chosen(served, server)
    return GpuContext(
        picker=picker,
        now=now,
        gpus=tuple(_gpu(row, parameters, bool(one) and gpu == gpu_key(row.host, row.device)) for row in found.gpus),
        servers=tuple(found.servers),
        hosts=tuple(_host(row, found, now) for row in found.hosts),
        gpu_charts=gpu_charts(found.times, one or drawn, zone=zone) if found.times else (),
        gpu_chosen=_gpu_title(one[0]) if one else "",
        all_href=changed(parameters, {"gpu": None}),
        server_charts=server_charts(found.times, chosen, zone=zone) if found.times and chosen else (),
        server_choices=tuple(
            Choice(
                _server_title(times, served),
                changed(parameters, {"server": server_key(times.host, times.server, times.model)}),
                current=times is chosen,
            )
            for times in (served if len(served) > 1 else ())
        ),
        server_title=_server_title(chosen, served) if chosen else "",
        grid=_grid(found.grids, parameters, grid=grid, pue=pue, now=now),
        is_empty=not (found.gpus or found.servers or found.hosts),
        price_problem=found.price_problem,
        problem_message="",
        problem_hint="",
    )


def broken_gpu_page(problem: tuple[str, str], *, picker: RangePicker, now: datetime) -> GpuContext:
    """Return the page of an address that cannot be read: message, and what is accepted."""
    return GpuContext(
        picker=picker,
        now=now,
        gpus=(),
        servers=(),
        hosts=(),
        gpu_charts=(),
        gpu_chosen="",
        all_href="",
        server_charts=(),
        server_choices=(),
        server_title="",
        grid=GridForm((), "", "", None, "", ()),
        is_empty=True,
        price_problem="",
        problem_message=problem[0],
        problem_hint=problem[1],
    )


def _gpu(row: GpuRow, parameters: QueryDict, current: bool) -> GpuLine:
    known = row.memory_used is not None and row.memory_total
    return GpuLine(
        row,
        _TONES.get(row.state, ""),
        row.memory_used / row.memory_total if known and row.memory_used is not None and row.memory_total else None,
        tuple(sorted(((name.replace("_", " "), share) for name, share in row.throttled.items() if share > 0))),
        changed(parameters, {"gpu": gpu_key(row.host, row.device)}),
        current,
    )


def _gpu_title(times: GpuTimes) -> str:
    return " · ".join(part for part in (times.model, times.host, times.index or times.device) if part)


def _chosen(served: Sequence[ServerTimes], wanted: str) -> ServerTimes | None:
    """The one that the address names; else the one that made most tokens."""
    named = next((one for one in served if server_key(one.host, one.server, one.model) == wanted), None)
    busiest = max(served, key=lambda one: sum(value or 0.0 for value in one.output_rate), default=None)
    return named or busiest


def _server_title(times: ServerTimes, served: Sequence[ServerTimes]) -> str:
    """The model; with its host, and its address too, where the model alone names several."""
    name = times.model or "unknown model"
    same = [one for one in served if one.model == times.model]
    hosts = [one for one in same if one.host == times.host]
    more = [times.host] if len(same) > 1 else []
    return " · ".join([name, *more, *([times.server] if len(hosts) > 1 else [])])


def _host(row: HostCost, found: Found, now: datetime) -> HostLine:
    own = own_price(
        per_million=row.per_million_tokens,
        currency=row.currency,
        rates=found.rates,
        at=row.end,
        busy=row.busy_share,
        given=row.input_tokens,
        made=row.output_tokens,
    )
    return HostLine(
        row,
        (
            ("Requests", row.busy_share, row.requests),
            ("Idle", row.idle_share, row.idle),
            ("Cold start", row.cold_share, row.cold_start),
        ),
        row.co2_grams * 1_000_000 / row.tokens if row.co2_grams is not None and row.tokens else None,
        tuple(_comparison(model, row, own, found, now) for model in row.models),
    )


def _comparison(model: str, row: HostCost, own: Own | None, found: Found, now: datetime) -> Comparison:
    prices = api_prices(found.book, found.rates, model, at=now, own=own)
    mine = own.per_million if own else None
    return Comparison(model, mine, "" if own else _why(row), prices[:_OPEN], prices[_OPEN:])


def _why(row: HostCost) -> str:
    if row.bill is None:
        return "the bill is unknown"
    if not row.tokens:
        return "no token was counted"
    return f"no exchange rate for {row.currency}"


def _grid(grids: Grids, parameters: QueryDict, *, grid: str, pue: Decimal, now: datetime) -> GridForm:
    figure = grids.at(grid, now.date()) if grid else None
    return GridForm(
        codes=grids.codes,
        chosen=figure.code if figure else "",
        pue=f"{pue.normalize():f}",
        grams_per_kwh=figure.grams_per_kwh if figure else None,
        source=figure.source if figure else "",
        hidden=hidden_fields(parameters, without=("grid", "pue")),
    )
