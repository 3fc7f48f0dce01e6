"""What GPUs and inference servers did: single samples, a line for each GPU, a line for each served model. Holds no SQL.

Everything is None that was not measured: a GPU whose power cannot be read draws an unknown number of watts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.query import Page, TimeRange
from apps.analytics.run import Reads
from apps.analytics.spans import EPOCH
from apps.analytics.sql.gpu import gauges_statement, increases_statement, samples_statement
from apps.analytics.statement import micros

__all__ = ["GpuRow", "GpuSampleRow", "SamplePage", "ServingRow", "fleet", "quantile", "sample_list", "serving"]

_UTILIZATION, _POWER, _TEMPERATURE = "hw.gpu.utilization", "hw.power", "hw.temperature"
_USED, _TOTAL, _ENERGY = "hw.gpu.memory.usage", "hw.gpu.memory.limit", "hw.energy"
_THROTTLED, _STATUS = "hw.gpu.throttled", "hw.status"
_GPU_GAUGES = (_UTILIZATION, _POWER, _TEMPERATURE, _USED, _TOTAL, _THROTTLED, _STATUS)
_RUNNING, _WAITING = "spanmeter.serving.requests.running", "spanmeter.serving.requests.waiting"
_CACHE, _STATE = "spanmeter.serving.kv_cache.utilization", "spanmeter.serving.state"
_COLD = "spanmeter.serving.cold_start.duration"
_TOKENS, _PREEMPTIONS = "spanmeter.serving.tokens", "spanmeter.serving.preemptions"
_TTFT, _TPOT = "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token"
_SERVER_GAUGES = (_RUNNING, _WAITING, _CACHE, _STATE, _COLD)
_SERVER_COUNTERS = (_TOKENS, _PREEMPTIONS, f"{_TTFT}.bucket", f"{_TPOT}.bucket")


@dataclass(frozen=True, slots=True)
class GpuSampleRow:
    """One sample, as it is stored."""

    metric: str
    host: str
    device: str
    model: str
    time: datetime
    value: float
    unit: str
    instrument: str
    start_time: datetime | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SamplePage:
    """Newest first."""

    rows: tuple[GpuSampleRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRow:
    """One GPU in a range. Shares are of one; `throttled`: reason → share of the time, 0 where it was looked at."""

    host: str
    device: str
    model: str
    state: str
    simulated: bool
    utilization: float | None
    utilization_mean: float | None
    memory_used: float | None
    memory_total: float | None
    power: float | None
    power_mean: float | None
    temperature: float | None
    temperature_max: float | None
    throttled: Mapping[str, float]
    joules: float | None
    labels: Mapping[str, str]
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRow:
    """One model on one server in a range. Times are seconds, rates per second of the range that was measured."""

    host: str
    server: str
    kind: str
    model: str
    state: str
    running: float | None
    waiting: float | None
    waiting_max: float | None
    kv_cache: float | None
    ttft_p50: float | None
    ttft_p95: float | None
    tpot_p50: float | None
    tpot_p95: float | None
    input_tokens: float | None
    output_tokens: float | None
    output_tokens_per_second: float | None
    preemptions: float | None
    cold_start: float | None
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class _Seen:
    """One series in a range."""

    labels: Mapping[str, str]
    last: float
    mean: float
    most: float
    first_time: datetime
    last_time: datetime


def sample_list(
    reads: Reads, project_id: int, time_range: TimeRange, page: Page, *, only: Mapping[str, tuple[str, ...]]
) -> SamplePage:
    """Single samples."""
    after = None
    if page.cursor:
        at, skip = cursor_unpack("samples", page.cursor, int, int)
        after = (at, min(max(skip, 0), 1_000_000))
    found = reads.rows(samples_statement(project_id, time_range, only=only, limit=page.limit + 1, after=after))
    rows = tuple(_sample(row) for row in found[: page.limit])
    if len(found) <= page.limit:
        return SamplePage(rows, None)
    last = micros(rows[-1].time) // 1000
    shown = sum(micros(row.time) // 1000 == last for row in rows)
    if after is not None and after[0] == last:
        shown += after[1]
    return SamplePage(rows, cursor_pack("samples", last, shown))


def _sample(row: tuple[Any, ...]) -> GpuSampleRow:
    metric, host, device, model, time, value, unit, instrument, start, labels = row
    started = start if start > EPOCH else None
    return GpuSampleRow(metric, host, device, model, time, value, unit, instrument, started, dict(labels))


def fleet(reads: Reads, project_id: int, time_range: TimeRange) -> tuple[GpuRow, ...]:
    """Every GPU that was seen in the range."""
    series = _gauges(reads, project_id, time_range, _GPU_GAUGES)
    energy: dict[tuple[str, str], float] = {}
    for _, host, device, _, _, _, grown in reads.rows(increases_statement(project_id, time_range, (_ENERGY,))):
        energy[host, device] = energy.get((host, device), 0.0) + float(grown)
    devices: dict[tuple[str, str], dict[tuple[str, str], _Seen]] = {}
    for (metric, host, device, _, aspect), seen in series.items():
        if device and "hw.parent" not in seen.labels:
            devices.setdefault((host, device), {})[metric, aspect] = seen
    return tuple(_gpu(*key, held, energy.get(key)) for key, held in sorted(devices.items()))


def _gpu(host: str, device: str, held: Mapping[tuple[str, str], _Seen], joules: float | None) -> GpuRow:
    def seen(metric: str) -> _Seen | None:
        return held.get((metric, "")) or held.get((metric, "general"))

    busy, power, heat, used, total = (seen(name) for name in (_UTILIZATION, _POWER, _TEMPERATURE, _USED, _TOTAL))
    states = [(one.last_time, aspect) for (metric, aspect), one in held.items() if metric == _STATUS]
    labels = max(held.values(), key=lambda one: one.last_time).labels
    last_seen = max(one.last_time for one in held.values())
    return GpuRow(
        host=host,
        device=device,
        model=labels.get("hw.model", ""),
        state=max(states)[1] if states else "",
        simulated=labels.get("spanmeter.simulated") == "true",
        utilization=busy.last if busy else None,
        utilization_mean=busy.mean if busy else None,
        memory_used=used.last if used else None,
        memory_total=total.last if total else None,
        power=power.last if power else None,
        power_mean=power.mean if power else None,
        temperature=heat.last if heat else None,
        temperature_max=heat.most if heat else None,
        throttled={aspect: one.mean for (metric, aspect), one in held.items() if metric == _THROTTLED},
        joules=joules,
        labels=labels,
        first_seen=min(one.first_time for one in held.values()),
        last_seen=last_seen,
    )


def serving(reads: Reads, project_id: int, time_range: TimeRange) -> tuple[ServingRow, ...]:
    """Every model on every server that was seen in the range."""
    gauges = _gauges(reads, project_id, time_range, _SERVER_GAUGES)
    grown: dict[tuple[str, str, str], dict[tuple[str, str, str], float]] = {}
    for metric, host, device, model, aspect, le, value in reads.rows(
        increases_statement(project_id, time_range, _SERVER_COUNTERS)
    ):
        grown.setdefault((host, device, model), {})[metric, aspect, le] = float(value)
    servers: dict[tuple[str, str, str], dict[tuple[str, str], _Seen]] = {}
    for (metric, host, device, model, aspect), seen in gauges.items():
        servers.setdefault((host, device, model), {})[metric, aspect] = seen
    # A server that is not ready names no model; its state belongs to the models it served.
    named = {(host, device) for host, device, model in servers if model}
    states = _states(gauges)
    times = _times(gauges)
    return tuple(
        _server(key, held, grown.get(key, {}), states.get(key[:2], ""), times[key[:2]])
        for key, held in sorted(servers.items())
        if key[2] or key[:2] not in named
    )


def _states(gauges: Mapping[tuple[str, str, str, str, str], _Seen]) -> dict[tuple[str, str], str]:
    newest: dict[tuple[str, str], tuple[datetime, str]] = {}
    for (metric, host, device, _, aspect), seen in gauges.items():
        if metric == _STATE:
            newest[host, device] = max(newest.get((host, device), (EPOCH, "")), (seen.last_time, aspect))
    return {key: state for key, (_, state) in newest.items()}


def _times(gauges: Mapping[tuple[str, str, str, str, str], _Seen]) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """When each server was first and last seen, also while it served nothing: a GPU that waits for it costs as much."""
    times: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for (_, host, device, _, _), seen in gauges.items():
        first, last = times.get((host, device), (seen.first_time, seen.last_time))
        times[host, device] = (min(first, seen.first_time), max(last, seen.last_time))
    return times


def _server(
    key: tuple[str, str, str],
    held: Mapping[tuple[str, str], _Seen],
    grown: Mapping[tuple[str, str, str], float],
    state: str,
    times: tuple[datetime, datetime],
) -> ServingRow:
    running, waiting, cache, cold = (held.get((name, "")) for name in (_RUNNING, _WAITING, _CACHE, _COLD))
    measured = max(one.last_time for one in held.values()) - min(one.first_time for one in held.values())
    length = measured / timedelta(seconds=1)
    output = grown.get((_TOKENS, "output", ""))
    ttft, tpot = (
        sorted((float(le), count) for (metric, _, le), count in grown.items() if metric == f"{name}.bucket")
        for name in (_TTFT, _TPOT)
    )
    return ServingRow(
        host=key[0],
        server=key[1],
        model=key[2],
        kind=next(iter(held.values())).labels.get("spanmeter.serving.server", ""),
        state=state,
        running=running.last if running else None,
        waiting=waiting.last if waiting else None,
        waiting_max=waiting.most if waiting else None,
        kv_cache=cache.last if cache else None,
        ttft_p50=quantile(ttft, 0.5),
        ttft_p95=quantile(ttft, 0.95),
        tpot_p50=quantile(tpot, 0.5),
        tpot_p95=quantile(tpot, 0.95),
        input_tokens=grown.get((_TOKENS, "input", "")),
        output_tokens=output,
        output_tokens_per_second=output / length if output is not None and length > 0 else None,
        preemptions=grown.get((_PREEMPTIONS, "", "")),
        cold_start=cold.last if cold else None,
        first_seen=times[0],
        last_seen=times[1],
    )


def quantile(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """Read a quantile from buckets (upper bound, count of all below it), straight within a bucket.

    None without a value. What lies above the last finite bound is that bound at least, and shown as it.
    """
    if not buckets or buckets[-1][1] <= 0:
        return None
    wanted = share * buckets[-1][1]
    for (low, below), (high, upto) in pairwise([(0.0, 0.0), *buckets]):
        if upto >= wanted and upto > below:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / (upto - below)
    return None


def _gauges(
    reads: Reads, project_id: int, time_range: TimeRange, metrics: Iterable[str]
) -> dict[tuple[str, str, str, str, str], _Seen]:
    return {
        (metric, host, device, model, aspect): _Seen(dict(labels), *numbers)
        for metric, host, device, model, aspect, labels, *numbers in reads.rows(
            gauges_statement(project_id, time_range, tuple(metrics))
        )
    }
