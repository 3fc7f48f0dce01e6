"""GPUs and served models over time, in buckets. Holds no SQL.

A bucket in which a value was not measured is None: a gap, never zero. Percentiles are read from the buckets of the
server's own histograms, straight between two bounds, of what was added in that bucket of time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.analytics.gpu import quantile
from apps.analytics.plan import Width, bucket_starts, width_for
from apps.analytics.query import TimeRange
from apps.analytics.run import Reads
from apps.analytics.sql.gpu_series import gauge_series_statement, increase_series_statement

__all__ = ["GpuTimes", "ServerTimes", "Timeline", "Values", "mean_of", "timeline"]

_LEAD = timedelta(minutes=2)
_BUSY, _POWER, _HEAT = "hw.gpu.utilization", "hw.power", "hw.temperature"
_USED, _TOTAL, _SLOWED = "hw.gpu.memory.usage", "hw.gpu.memory.limit", "hw.gpu.throttled"
_RUNNING, _WAITING = "spanmeter.serving.requests.running", "spanmeter.serving.requests.waiting"
_CACHE, _STATE = "spanmeter.serving.kv_cache.utilization", "spanmeter.serving.state"
_COLD = "spanmeter.serving.cold_start.duration"
_TOKENS, _PREEMPTIONS = "spanmeter.serving.tokens", "spanmeter.serving.preemptions"
_TTFT, _TPOT = "gen_ai.server.time_to_first_token.bucket", "gen_ai.server.time_per_output_token.bucket"
_GAUGES = (_BUSY, _POWER, _HEAT, _USED, _TOTAL, _SLOWED, _RUNNING, _WAITING, _CACHE, _STATE, _COLD)
_COUNTERS = (_TOKENS, _PREEMPTIONS, _TTFT, _TPOT)

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTimes:
    """One GPU. Shares are of one, watts, degrees Celsius. `throttled` is the share of the time, by any reason."""

    host: str
    device: str
    model: str
    index: str  # its number on the host, where the agent knows it
    utilization: Values
    memory: Values
    power: Values
    temperature: Values
    throttled: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTimes:
    """One model on one server. Seconds; rates per second; counts of a bucket."""

    host: str
    server: str
    model: str
    running: Values
    waiting: Values
    waiting_most: Values
    kv_cache: Values
    kv_cache_most: Values
    ttft_p50: Values
    ttft_p95: Values
    tpot_p50: Values
    tpot_p95: Values
    input_rate: Values
    output_rate: Values
    preemptions: Values
    cold_starts: Values
    cold_seconds: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All of them, over the same buckets."""

    starts: tuple[datetime, ...]
    width: Width
    gpus: tuple[GpuTimes, ...]
    servers: tuple[ServerTimes, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One bucket of one gauge."""

    mean: float
    most: float
    total: float
    samples: int


_Name = tuple[str, str]  # metric, aspect
_Place = tuple[str, str, str]  # host, device, model
_Gauges = Mapping[_Name, Mapping[int, _Cell]]
_Growth = Mapping[tuple[str, str, str], Mapping[int, tuple[float, float]]]  # metric, aspect, le → growth, seconds


def timeline(reads: Reads, project_id: int, time_range: TimeRange, *, zone: str) -> Timeline:
    """Return every GPU and every served model that was seen in the range."""
    width = width_for(time_range)
    starts = bucket_starts(time_range, width=width, zone=zone)
    lead = max(_LEAD, timedelta(seconds=width.seconds))
    gauge_rows, counter_rows = reads.together(
        gauge_series_statement(project_id, time_range, _GAUGES, starts),
        increase_series_statement(project_id, time_range, _COUNTERS, starts, lead=lead),
    )
    gauges: dict[_Place, dict[_Name, dict[int, _Cell]]] = defaultdict(dict)
    named: dict[tuple[str, str], tuple[str, str]] = {}
    for metric, host, device, model, aspect, name, number, parent, buckets, *columns in gauge_rows:
        if parent:  # a part of a GPU (MIG): the whole is drawn
            continue
        cells = {at: _Cell(*numbers) for at, *numbers in zip(buckets, *columns, strict=True)}
        gauges[host, device, model][metric, aspect] = cells
        if metric.startswith("hw."):
            before = named.get((host, device), ("", ""))
            named[host, device] = (name or before[0], number or before[1])
    growth: dict[_Place, dict[tuple[str, str, str], dict[int, tuple[float, float]]]] = defaultdict(dict)
    for metric, host, device, model, aspect, le, buckets, grown, seconds in counter_rows:
        growth[host, device, model][metric, aspect, le] = {
            at: (float(more), float(length)) for at, more, length in zip(buckets, grown, seconds, strict=True)
        }
    size = len(starts)
    return Timeline(
        starts=starts,
        width=width,
        gpus=tuple(_gpu(key, name, gauges, size) for key, name in sorted(named.items()) if key[1]),
        servers=tuple(_servers(gauges, growth, size)),
    )


def _gpu(
    key: tuple[str, str], name: tuple[str, str], gauges: Mapping[_Place, Mapping[_Name, Mapping[int, _Cell]]], size: int
) -> GpuTimes:
    held: dict[_Name, Mapping[int, _Cell]] = {}
    for (host, device, _), series in gauges.items():
        if (host, device) == key:
            held.update(series)

    def means(metric: str) -> Values:
        cells = held.get((metric, "")) or held.get((metric, "general")) or {}
        return _spread({at: cell.mean for at, cell in cells.items()}, size)

    used, total = means(_USED), means(_TOTAL)
    # Reasons may hold at the same time, so the most lasting one is what is known of "slowed down by any".
    slowed: dict[int, float] = {}
    for (metric, _), cells in held.items():
        if metric == _SLOWED:
            for at, cell in cells.items():
                slowed[at] = max(slowed.get(at, 0.0), cell.mean)
    return GpuTimes(
        host=key[0],
        device=key[1],
        model=name[0],
        index=name[1],
        utilization=means(_BUSY),
        memory=tuple(a / b if a is not None and b else None for a, b in zip(used, total, strict=True)),
        power=means(_POWER),
        temperature=means(_HEAT),
        throttled=_spread(slowed, size),
    )


def _servers(
    gauges: Mapping[_Place, Mapping[_Name, Mapping[int, _Cell]]],
    growth: Mapping[_Place, _Growth],
    size: int,
) -> Iterator[ServerTimes]:
    """A server that loads names no model; its samples of that time are those of every model that it serves."""
    places = {place for place in (*gauges, *growth) if _serves(place, gauges, growth)}
    with_model = {(host, device) for host, device, model in places if model}
    for place in sorted(places):
        host, device, model = place
        if model or (host, device) not in with_model:
            seen = {
                at
                for other, series in gauges.items()
                if other[:2] == place[:2] and other[2] in {"", model}
                for (metric, _), cells in series.items()
                if metric == _STATE
                for at in cells
            }
            yield _server(place, gauges.get(place, {}), growth.get(place, {}), seen, size)


def _serves(place: _Place, gauges: Mapping[_Place, _Gauges], growth: Mapping[_Place, _Growth]) -> bool:
    return any(metric.startswith("spanmeter.serving") for metric, _ in gauges.get(place, {})) or place in growth


def _server(place: _Place, held: _Gauges, grown: _Growth, seen: set[int], size: int) -> ServerTimes:
    def of(metric: str, what: str = "mean") -> Values:
        return _spread({at: float(getattr(cell, what)) for at, cell in held.get((metric, ""), {}).items()}, size)

    def added(metric: str, aspect: str) -> Mapping[int, tuple[float, float]]:
        return grown.get((metric, aspect, ""), {})

    cold = held.get((_COLD, ""), {})
    # While the server was looked at and no load was seen, there was none: that zero was measured.
    none = dict.fromkeys(seen, 0.0)
    return ServerTimes(
        host=place[0],
        server=place[1],
        model=place[2],
        running=of(_RUNNING),
        waiting=of(_WAITING),
        waiting_most=of(_WAITING, "most"),
        kv_cache=of(_CACHE),
        kv_cache_most=of(_CACHE, "most"),
        ttft_p50=_quantiles(grown, _TTFT, 0.5, size),
        ttft_p95=_quantiles(grown, _TTFT, 0.95, size),
        tpot_p50=_quantiles(grown, _TPOT, 0.5, size),
        tpot_p95=_quantiles(grown, _TPOT, 0.95, size),
        input_rate=_rate(added(_TOKENS, "input"), size),
        output_rate=_rate(added(_TOKENS, "output"), size),
        preemptions=_spread({at: more for at, (more, _) in added(_PREEMPTIONS, "").items()}, size),
        cold_starts=_spread({**none, **{at: float(cell.samples) for at, cell in cold.items()}}, size),
        cold_seconds=_spread({**none, **{at: cell.total for at, cell in cold.items()}}, size),
    )


def _quantiles(grown: _Growth, metric: str, share: float, size: int) -> Values:
    buckets: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for (name, _, le), cells in grown.items():
        if name == metric and le:
            for at, (more, _) in cells.items():
                buckets[at].append((float(le), more))
    return _spread({at: quantile(sorted(held), share) for at, held in buckets.items()}, size)


def _rate(cells: Mapping[int, tuple[float, float]], size: int) -> Values:
    return _spread({at: more / seconds for at, (more, seconds) in cells.items() if seconds > 0}, size)


def _spread(values: Mapping[int, float | None], size: int) -> Values:
    return tuple(values.get(at) for at in range(size))


def mean_of(series: Sequence[Values]) -> Values:
    """The mean of several lines at each place, of those that are known there."""
    found: list[float | None] = []
    for column in zip(*series, strict=True):
        known = [value for value in column if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return tuple(found)
