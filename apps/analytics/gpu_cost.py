"""The bill of a window's GPUs, by host, divided among the calls that ran on them. Holds no SQL and no prices.

    requests + idle + cold start = bill

A host's calls are those of the models that its servers say they serve. The bill runs from the first sample of the host
to its last, or to the window's edges where these are near: outside of that nobody knows whether it was rented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.analytics.gpu import GpuRow, ServingRow, fleet, serving
from apps.analytics.query import Page, TimeRange
from apps.analytics.run import Reads
from apps.analytics.sql.gpu import calls_statement, samples_statement
from apps.analytics.statement import micros
from ingestion.gpu_money import GpuPrices, Interval, Request, Split, split
from ingestion.gpu_money.energy import Grids, joules_per_token, kilowatt_hours
from ingestion.gpu_money.price import OverlappingPrices

__all__ = ["CallCost", "HostCost", "host_costs"]

_NEAR = timedelta(minutes=2)
_MOST_CALLS = 50_000
_SHOWN = 20
_COLD = "spanmeter.serving.cold_start.duration"
_LABEL = "spanmeter.label."
_MILLION = Decimal(1_000_000)
_STEP = Decimal("0.000000001")
# span, trace, start and end in µs, tokens together, input, output
_Call = tuple[str, str, int, int, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class CallCost:
    """What one call pays of the bill. `basis`: by its tokens, or by its time where they are not known."""

    trace_id: str
    span_id: str
    amount: Decimal
    basis: str
    tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCost:
    """One host's bill in its parts. Without a price everything of money is None, and `reason` says why."""

    host: str
    start: datetime
    end: datetime
    gpus: int
    models: tuple[str, ...]
    price_ids: tuple[str, ...]
    currency: str
    bill: Decimal | None
    requests: Decimal | None
    idle: Decimal | None
    cold_start: Decimal | None
    busy_share: float
    idle_share: float
    cold_share: float
    calls: int
    tokens: int
    input_tokens: int
    output_tokens: int
    unknown_tokens: int  # calls whose tokens nobody knows
    per_million_tokens: Decimal | None
    joules: float | None
    joules_per_token: float | None
    kwh: Decimal | None
    co2_grams: Decimal | None
    dearest: tuple[CallCost, ...]
    reason: str


def host_costs(
    reads: Reads,
    project_id: int,
    time_range: TimeRange,
    *,
    prices: GpuPrices,
    grids: Grids,
    grid: str = "",
    pue: Decimal = Decimal(1),
) -> tuple[HostCost, ...]:
    """Divide the bill of every host that was seen in the range."""
    gpus: dict[str, list[GpuRow]] = {}
    for gpu in fleet(reads, project_id, time_range):
        gpus.setdefault(gpu.host, []).append(gpu)
    servers: dict[str, list[ServingRow]] = {}
    for server in serving(reads, project_id, time_range):
        servers.setdefault(server.host, []).append(server)
    found = []
    for host in sorted(gpus.keys() | servers.keys()):
        held, served = gpus.get(host, []), servers.get(host, [])
        rented = _rented(time_range, held, served)
        models = tuple(sorted({server.model for server in served if server.model}))
        calls = reads.rows(calls_statement(project_id, rented, models, limit=_MOST_CALLS)) if models else ()
        cold = _cold_starts(reads, project_id, time_range, host)
        joules = [gpu.joules for gpu in held if gpu.joules is not None]
        energy = sum(joules) if joules else None
        kwh = kilowatt_hours(energy) if energy is not None else None
        grams = grids.grams(grid, rented.end.date(), kwh, pue=pue) if kwh is not None and grid else None
        found.append(_cost(host, rented, held, models, calls, cold, prices=prices, energy=energy, kwh=kwh, grams=grams))
    return tuple(found)


def _rented(time_range: TimeRange, gpus: Sequence[GpuRow], servers: Sequence[ServingRow]) -> TimeRange:
    seen: list[GpuRow | ServingRow] = [*gpus, *servers]
    first, last = min(one.first_seen for one in seen), max(one.last_seen for one in seen)
    start = time_range.start if first - time_range.start < _NEAR else first
    end = time_range.end if time_range.end - last < _NEAR else last
    return TimeRange(start, max(end, start + timedelta(milliseconds=1)))


def _cold_starts(reads: Reads, project_id: int, time_range: TimeRange, host: str) -> list[Interval]:
    only = {"metric": (_COLD,), "host": (host,)}
    statement = samples_statement(project_id, time_range, only=only, limit=Page(1000).limit, after=None)
    return [
        Interval(micros(row[4]) * 1000 - round(row[5] * 1e9), micros(row[4]) * 1000) for row in reads.rows(statement)
    ]


def _bill(
    host: str, rented: TimeRange, gpus: Sequence[GpuRow], prices: GpuPrices
) -> tuple[Decimal | None, str, tuple[str, ...], str]:
    """Amount, currency, price ids, and why there is none. A host without a GPU is rented as a whole."""
    amount, currencies, ids = Decimal(0), set[str](), set[str]()
    units: list[tuple[str, Mapping[str, str]]] = [(gpu.model, _own_labels(gpu.labels)) for gpu in gpus] or [("", {})]
    for model, labels in units:
        try:
            found = prices.bill(rented.start, rented.end, host=host, model=model, labels=labels)
        except OverlappingPrices as error:
            return None, "", (), str(error)
        if found is None:
            return None, "", (), f"no price for {model or 'this host'} on {host} in all of this time"
        amount += found[0]
        currencies.add(found[1])
        ids |= {price.id for price in found[2]}
    if len(currencies) > 1:
        return None, "", (), f"its GPUs are priced in {' and '.join(sorted(currencies))}"
    return amount, currencies.pop(), tuple(sorted(ids)), ""


def _own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(_LABEL): text for key, text in labels.items() if key.startswith(_LABEL)}


def _cost(
    host: str,
    rented: TimeRange,
    gpus: Sequence[GpuRow],
    models: tuple[str, ...],
    calls: Sequence[_Call],
    cold: Sequence[Interval],
    *,
    prices: GpuPrices,
    energy: float | None,
    kwh: Decimal | None,
    grams: Decimal | None,
) -> HostCost:
    bill, currency, ids, reason = _bill(host, rented, gpus, prices)
    window = Interval(micros(rented.start) * 1000, micros(rented.end) * 1000)
    requests = [
        Request(str(place), start * 1000, end * 1000, tokens)
        for place, (_, _, start, end, tokens, _, _) in enumerate(calls)
    ]
    if len(calls) >= _MOST_CALLS:
        bill, reason = None, f"more than {_MOST_CALLS} calls: choose a shorter time"
    divided = split(bill or Decimal(0), window, requests, cold)
    length = window.end_ns - window.start_ns
    tokens = sum(call[4] or 0 for call in calls)
    return HostCost(
        host=host,
        start=rented.start,
        end=rented.end,
        gpus=len(gpus),
        models=models,
        price_ids=ids,
        currency=currency,
        bill=bill,
        requests=None if bill is None else divided.busy,
        idle=None if bill is None else divided.idle,
        cold_start=None if bill is None else divided.cold_start,
        busy_share=divided.busy_ns / length,
        idle_share=divided.idle_ns / length,
        cold_share=divided.cold_ns / length,
        calls=len(calls),
        tokens=tokens,
        input_tokens=sum(call[5] or 0 for call in calls),
        output_tokens=sum(call[6] or 0 for call in calls),
        unknown_tokens=sum(call[4] is None for call in calls),
        per_million_tokens=(bill / tokens * _MILLION).quantize(_STEP) if bill is not None and tokens else None,
        joules=energy,
        joules_per_token=joules_per_token(energy, tokens),
        kwh=kwh,
        co2_grams=grams,
        dearest=() if bill is None else _dearest(divided, calls),
        reason=reason,
    )


def _dearest(divided: Split, calls: Sequence[_Call]) -> tuple[CallCost, ...]:
    shares = sorted(divided.requests, key=lambda share: (-share.cost, int(share.id)))[:_SHOWN]
    return tuple(
        CallCost(calls[int(one.id)][1], calls[int(one.id)][0], one.cost, one.basis, calls[int(one.id)][4])
        for one in shares
    )
