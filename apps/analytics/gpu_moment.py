"""What a self-hosted model's server and its GPUs were doing while one span ran, and where the span's time went.

Holds no SQL. What the span says of itself goes first; what it does not say is estimated from the histograms that the
server kept at that time, and says so.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from apps.analytics.gpu import quantile
from apps.analytics.query import TimeRange
from apps.analytics.rows import SpanRow, SpanText
from apps.analytics.run import Reads
from apps.analytics.sql.gpu import increases_statement, moment_statement

__all__ = ["GpuThen", "Phase", "ServedMoment", "ServerThen", "phases_of", "served_moment"]

_NEAR = timedelta(minutes=1)
_MOST_GPUS = 8
_RUNNING, _WAITING = "spanmeter.serving.requests.running", "spanmeter.serving.requests.waiting"
_CACHE, _STATE = "spanmeter.serving.kv_cache.utilization", "spanmeter.serving.state"
_BUSY, _USED, _TOTAL = "hw.gpu.utilization", "hw.gpu.memory.usage", "hw.gpu.memory.limit"
_POWER, _HEAT, _SLOWED = "hw.power", "hw.temperature", "hw.gpu.throttled"
_QUEUE, _PREFILL = "spanmeter.serving.queue.duration", "spanmeter.serving.prefill.duration"
_DECODE, _TTFT = "spanmeter.serving.decode.duration", "gen_ai.server.time_to_first_token"
_TPOT = "gen_ai.server.time_per_output_token"
_HISTOGRAMS = (_QUEUE, _PREFILL, _DECODE, _TTFT, _TPOT)
# llama.cpp writes how long it took into its answer; the last such object is the one of the whole answer.
_TIMINGS = re.compile(r'"timings"\s*:\s*\{([^{}]*)\}')
_TIMING = re.compile(r'"(prompt_ms|predicted_ms)"\s*:\s*([0-9]{1,12}(?:\.[0-9]{1,20})?)\b')
_TAIL = 100_000


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the call. `estimated`: it is the server's median of that time, not this call's own."""

    name: str
    seconds: float
    estimated: bool
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerThen:
    """The server, as the mean of its samples while the span ran, or its nearest one."""

    host: str
    server: str
    running: float | None
    waiting: float | None
    kv_cache: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuThen:
    """A GPU of the server's host at that time. `apart`: seconds from the span's middle when no sample lies in it."""

    host: str
    device: str
    model: str
    utilization: float | None
    memory_used: float | None
    memory_total: float | None
    power: float | None
    temperature: float | None
    throttled: tuple[str, ...]
    apart: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedMoment:
    """`servers` holds several when it is not known which of them answered; `more_gpus` are not listed."""

    servers: tuple[ServerThen, ...]
    phases: tuple[Phase, ...]
    gpus: tuple[GpuThen, ...]
    more_gpus: int


@dataclass(frozen=True, slots=True)
class _Then:
    """One series at that time."""

    value: float
    inside: bool
    apart: float
    name: str


def served_moment(reads: Reads, project_id: int, span: SpanRow, text: SpanText) -> ServedMoment | None:
    """Return None unless a server of the span's model was sampled within a minute of the span."""
    models = tuple(dict.fromkeys(name for name in (span.model, span.model_requested) if name))
    end = max(span.end, span.start)
    if span.kind != "llm" or not models:
        return None
    around = TimeRange(span.start - _NEAR, end + _NEAR)
    gauges = (_RUNNING, _WAITING, _CACHE, _STATE)
    rows = reads.rows(moment_statement(project_id, around, start=span.start, end=end, metrics=gauges, models=models))
    servers: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for metric, host, device, _, _, _, _, inside, nearest, _ in rows:
        servers[host, device][metric] = float(nearest if inside is None else inside)
    if not servers:
        return None
    keys = _answering(sorted(servers), text.attributes)
    hosts = tuple(sorted({host for host, _ in keys}))
    devices, grown = reads.together(
        moment_statement(
            project_id,
            around,
            start=span.start,
            end=end,
            metrics=(_BUSY, _USED, _TOTAL, _POWER, _HEAT, _SLOWED),
            hosts=hosts,
        ),
        increases_statement(project_id, around, tuple(f"{name}.bucket" for name in _HISTOGRAMS)),
    )
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for metric, host, device, model, _, le, more in grown:
        if (host, device) in keys and model in models and le:
            buckets[metric.removesuffix(".bucket")][float(le)] += float(more)
    medians = {name: quantile(sorted(held.items()), 0.5) for name, held in buckets.items()}
    gpus = _gpus(devices)
    return ServedMoment(
        servers=tuple(_server(key, servers[key]) for key in keys),
        phases=phases_of(span, text, medians),
        gpus=gpus[:_MOST_GPUS],
        more_gpus=max(0, len(gpus) - _MOST_GPUS),
    )


def _answering(servers: Sequence[tuple[str, str]], attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The server that the span names by its address; all of them when it names none of them."""
    address, port = attributes.get("server.address", ""), attributes.get("server.port", "")
    named = tuple(key for key in servers if address and key[1] in {f"{address}:{port}", address})
    return named or tuple(servers)


def _server(key: tuple[str, str], held: Mapping[str, float]) -> ServerThen:
    return ServerThen(
        host=key[0],
        server=key[1],
        running=held.get(_RUNNING),
        waiting=held.get(_WAITING),
        kv_cache=held.get(_CACHE),
    )


def _gpus(rows: Sequence[tuple[object, ...]]) -> tuple[GpuThen, ...]:
    devices: dict[tuple[str, str], dict[tuple[str, str], _Then]] = defaultdict(dict)
    for metric, host, device, _, aspect, name, parent, inside, nearest, apart in rows:
        if device and not parent:
            value = float(str(nearest if inside is None else inside))
            seen = _Then(value, inside is not None, float(str(apart)), str(name))
            devices[str(host), str(device)][str(metric), str(aspect)] = seen
    return tuple(_gpu(key, held) for key, held in sorted(devices.items()))


def _gpu(key: tuple[str, str], held: Mapping[tuple[str, str], _Then]) -> GpuThen:
    def of(metric: str) -> float | None:
        seen = held.get((metric, "")) or held.get((metric, "general"))
        return seen.value if seen else None

    return GpuThen(
        host=key[0],
        device=key[1],
        model=next((seen.name for seen in held.values() if seen.name), ""),
        utilization=of(_BUSY),
        memory_used=of(_USED),
        memory_total=of(_TOTAL),
        power=of(_POWER),
        temperature=of(_HEAT),
        throttled=tuple(
            sorted(aspect.replace("_", " ") for (name, aspect), seen in held.items() if name == _SLOWED and seen.value)
        ),
        apart=None if any(seen.inside for seen in held.values()) else min(seen.apart for seen in held.values()),
    )


def phases_of(span: SpanRow, text: SpanText, medians: Mapping[str, float | None]) -> tuple[Phase, ...]:
    """Return queue, prefill and decode, each where it is known. `medians`: of the server's histograms, in seconds."""
    own = _own(text)
    queue = _first(
        _said("Queue", span.queue if span.queue is not None else own.get("queue"), "from the span"),
        _guessed("Queue", medians.get(_QUEUE), "median of the server's queue times"),
    )
    waited = queue.seconds if queue else 0.0
    if span.ttft is not None:
        rest = max(0.0, span.ttft - waited)
        told = "time to first token" if queue is None else "time to first token, less the queue"
        till = Phase("Prefill", rest, queue is not None and queue.estimated, told)
    else:
        till = None
    ttft = medians.get(_TTFT)
    prefill = _first(
        _said("Prefill", own.get("prefill"), "from the span"),
        till,
        _guessed("Prefill", medians.get(_PREFILL), "median of the server's prefill times"),
        _guessed("Prefill", None if ttft is None else max(0.0, ttft - waited), "median of its times to first token"),
    )
    pace, made = medians.get(_TPOT), span.output_tokens
    paced = None if pace is None or made is None else pace * max(0, made - 1)
    decode = _first(
        _said("Decode", own.get("decode"), "from the span"),
        _said("Decode", None if span.ttft is None else max(0.0, span.duration - span.ttft), "after the first token"),
        _guessed("Decode", paced, "the server's median time per token, for this many tokens"),
        _guessed("Decode", medians.get(_DECODE), "median of the server's decode times"),
    )
    return tuple(phase for phase in (queue, prefill, decode) if phase is not None)


def _own(text: SpanText) -> dict[str, float]:
    """What the span carries: vLLM's attributes, or the timings in a llama.cpp answer."""
    found: dict[str, float] = {}
    for name, key in (
        ("queue", "gen_ai.latency.time_in_queue"),
        ("prefill", "gen_ai.latency.time_in_model_prefill"),
        ("decode", "gen_ai.latency.time_in_model_decode"),
    ):
        value = text.attributes.get(key, "")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,20})?(e-[0-9]{1,2})?", value):
            found[name] = float(value)
    timings = _TIMINGS.findall(text.raw_response[-_TAIL:])
    for name, value in _TIMING.findall(timings[-1]) if timings else ():
        found.setdefault({"prompt_ms": "prefill", "predicted_ms": "decode"}[name], float(value) / 1000)
    return found


def _said(name: str, seconds: float | None, how: str) -> Phase | None:
    return None if seconds is None else Phase(name, seconds, False, how)


def _guessed(name: str, seconds: float | None, how: str) -> Phase | None:
    return None if seconds is None else Phase(name, seconds, True, how)


def _first(*phases: Phase | None) -> Phase | None:
    return next((phase for phase in phases if phase is not None), None)
