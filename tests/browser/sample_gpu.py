"""Made-up GPUs, servers and bills: a single card, a rack of them, and what cannot be measured."""

import math
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.analytics.gpu import GpuRow, ServingRow
from apps.analytics.gpu_cost import HostCost
from apps.analytics.gpu_moment import GpuThen, Phase, ServedMoment, ServerThen
from apps.analytics.gpu_series import GpuTimes, ServerTimes, Timeline, Values
from apps.analytics.plan import Width
from apps.analytics.rows import SpanRow
from ingestion.gpu_money.price import GpuPrices
from tests.browser.sample import HOSTILE, NOW

__all__ = ["costs_of", "fleet_of", "moment_of", "prices_of", "serving_of", "timeline_of"]

_H100, _A10 = "NVIDIA H100 80GB HBM3", "NVIDIA A10G"
_STARTS = tuple(NOW.replace(second=0) - timedelta(minutes=60 - number) for number in range(61))
_LLAMA, _QWEN = "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-7B-Instruct"


def _places(size: str) -> list[tuple[str, str, str]]:
    if size == "little":
        return [("workstation", "GPU-91ab", _A10)]
    if size == "broken":
        return [(HOSTILE, "GPU-" + "f" * 36, "")]
    if size == "none":
        return []
    rack = [(f"gpu-node-{host}", f"GPU-3c1e{number:04}-77aa", _H100) for host in (1, 2) for number in range(8)]
    return [*rack, ("edge", "GPU-0a10", _A10)]


def fleet_of(size: str) -> tuple[GpuRow, ...]:
    """Each GPU of the hour."""
    broken = size == "broken"
    return tuple(
        GpuRow(
            host=host,
            device=device,
            model=model,
            state="failed" if broken else "ok",
            simulated=host == "edge",
            utilization=None if broken else 0.31 + at % 8 * 0.08,
            utilization_mean=None if broken else 0.28 + at % 8 * 0.07,
            memory_used=None if broken else (12 + at * 3) * 1e9,
            memory_total=None if broken else 80e9,
            power=None if broken else 120.0 + at * 31,
            power_mean=None if broken else 110.0 + at * 30,
            temperature=None if broken else 41.0 + at * 2,
            temperature_max=None if broken else 48.0 + at * 2,
            throttled={"sw_power_cap": 0.21, "hw_thermal": 0.03} if at == 6 else {} if broken else {"hw_thermal": 0.0},
            joules=None if broken else 1.1e6,
            labels={},
            first_seen=NOW - timedelta(hours=1),
            last_seen=NOW - timedelta(seconds=4 if not broken else 2400),
        )
        for at, (host, device, model) in enumerate(_places(size))
    )


def _servers(size: str) -> list[tuple[str, str, str, str, str]]:
    if size == "little":
        return [("workstation", "127.0.0.1:8080", "llama_cpp", "SmolLM2-135M-Instruct", "ready")]
    if size == "broken":
        return [(HOSTILE, "10.0.0.9:8000", "", "", "down")]
    if size == "none":
        return []
    return [
        ("gpu-node-1", "10.4.0.11:8000", "vllm", _LLAMA, "ready"),
        ("gpu-node-1", "10.4.0.11:30000", "sglang", _QWEN, "ready"),
        ("gpu-node-2", "10.4.0.12:8000", "vllm", _LLAMA, "loading"),
    ]


def serving_of(size: str) -> tuple[ServingRow, ...]:
    """Each served model of the hour."""
    known = size != "broken"
    return tuple(
        ServingRow(
            host=host,
            server=server,
            kind=kind,
            model=model,
            state=state,
            running=6.0 if known else None,
            waiting=2.0 if known else None,
            waiting_max=31.0 if known else None,
            kv_cache=0.63 if known else None,
            ttft_p50=0.21 if known else None,
            ttft_p95=1.4 if known else None,
            tpot_p50=0.013 if known else None,
            tpot_p95=0.041 if known else None,
            input_tokens=1_840_221.0 if known else None,
            output_tokens=512_003.0 if known else None,
            output_tokens_per_second=142.2 if known else None,
            preemptions=14.0 if known else None,
            cold_start=44.6 if state == "loading" else None,
            first_seen=NOW - timedelta(hours=1),
            last_seen=NOW,
        )
        for host, server, kind, model, state in _servers(size)
    )


def _course(seed: int, middle: float, swing: float, *, top: float = math.inf, away: bool = True) -> Values:
    """A day's shape with noise; from minute 24 to 30 the agent was away."""
    chance = random.Random(seed)
    return tuple(
        None
        if away and 24 <= at < 30
        else min(top, max(0.0, middle + swing * math.sin(at / 9 + seed) + chance.uniform(-swing, swing) / 4))
        for at in range(len(_STARTS))
    )


def timeline_of(size: str) -> Timeline:
    """The hour by the minute; broken: nothing of it was measured but one sample."""
    if size == "broken":
        none: Values = (None,) * len(_STARTS)
        lone: Values = (*none[:20], 0.5, *none[21:])

        def course(seed: int, middle: float, swing: float, top: float = math.inf) -> Values:
            return lone if middle == 0.5 else none
    else:

        def course(seed: int, middle: float, swing: float, top: float = math.inf) -> Values:
            return _course(seed, middle, swing, top=top)

    return Timeline(
        starts=_STARTS,
        width=Width(60, "minute"),
        gpus=tuple(_gpu_times(at, place, course) for at, place in enumerate(_places(size))),
        servers=tuple(
            _server_times(at, host, server, model, course)
            for at, (host, server, _, model, _) in enumerate(_servers(size))
        ),
    )


def _gpu_times(at: int, place: tuple[str, str, str], course: Callable[..., Values]) -> GpuTimes:
    host, device, model = place
    return GpuTimes(
        host=host,
        device=device,
        model=model,
        index=str(at % 8) if model else "",
        utilization=course(at, 0.5, 0.3, 1.0),
        memory=course(at + 20, 0.7, 0.05, 1.0),
        power=course(at, 380.0, 200.0),
        temperature=course(at, 62.0, 12.0),
        throttled=course(at, 0.02, 0.05, 1.0),
    )


def _server_times(at: int, host: str, server: str, model: str, course: Callable[..., Values]) -> ServerTimes:
    waiting = course(at, 2.0, 4.0)
    return ServerTimes(
        host=host,
        server=server,
        model=model,
        running=course(at, 6.0, 3.0),
        waiting=waiting,
        waiting_most=tuple(None if value is None else value * 3 for value in waiting),
        kv_cache=course(at, 0.55, 0.25, 1.0),
        kv_cache_most=course(at, 0.65, 0.3, 1.0),
        ttft_p50=course(at, 0.21, 0.1),
        ttft_p95=course(at, 1.2, 0.6),
        tpot_p50=course(at, 0.013, 0.004),
        tpot_p95=course(at, 0.04, 0.01),
        input_rate=course(at, 510.0, 220.0),
        output_rate=course(at, 142.0, 60.0),
        preemptions=tuple(None if value is None else float(value > 5) * 2 for value in waiting),
        cold_starts=tuple(None if value is None else float(place == 30) for place, value in enumerate(waiting)),
        cold_seconds=tuple(None if value is None else 44.6 * (place == 30) for place, value in enumerate(waiting)),
    )


def prices_of(size: str) -> tuple[GpuPrices, str]:
    """Of a broken installation the file is wrong."""
    wrong = "ours.toml, gpu_price 1: per_hour = 'much'; write the price of one GPU in quotes, such as \"2.49\""
    return GpuPrices(()), wrong if size == "broken" else ""


def costs_of(size: str, **more: Any) -> tuple[HostCost, ...]:
    """The bill of each host."""
    hosts = list(dict.fromkeys(place[0] for place in _places(size)))
    return tuple(_cost(host, size, more.get("grid", "")) for host in hosts)


def _cost(host: str, size: str, grid: str) -> HostCost:
    broken = size == "broken"
    served = [server for server in _servers(size) if server[0] == host and server[3]]
    bill = None if broken else Decimal("19.92")
    return HostCost(
        host=host,
        start=NOW - timedelta(hours=1),
        end=NOW,
        gpus=8 if size == "much" else 1,
        models=tuple(sorted({server[3] for server in served})),
        price_ids=() if broken else ("h100@2026-01-01#ours",),
        currency="" if broken else "USD",
        bill=bill,
        requests=None if broken else Decimal("12.483920114"),
        idle=None if broken else Decimal("7.188319886"),
        cold_start=None if broken else Decimal("0.24776"),
        busy_share=0.0 if broken else 0.6267,
        idle_share=1.0 if broken else 0.3609,
        cold_share=0.0 if broken else 0.0124,
        calls=0 if broken or not served else 4_812,
        tokens=0 if broken or not served else 52_352_224,
        input_tokens=0 if broken or not served else 41_840_221,
        output_tokens=0 if broken or not served else 10_512_003,
        unknown_tokens=3 if served and not broken else 0,
        per_million_tokens=None if broken or not served else Decimal("0.380499765"),
        joules=None if broken else 8.8e6,
        joules_per_token=None if broken or not served else 0.168,
        kwh=None if broken else Decimal("2.444"),
        co2_grams=Decimal("1117.4") if grid and not broken else None,
        dearest=(),
        reason="no price for a GPU without a name on this host in all of this time" if broken else "",
    )


def moment_of(size: str, span: SpanRow) -> ServedMoment | None:
    """Under every call of the sample that goes to a model; two GPUs, or a server that nothing is known of."""
    if size == "none" or span.kind != "llm":
        return None
    if size == "broken":
        lost = ServerThen(host=HOSTILE, server="10.0.0.9:8000", running=None, waiting=None, kv_cache=None)
        return ServedMoment(servers=(lost,), phases=(), gpus=(), more_gpus=0)
    server = ServerThen(host="gpu-node-1", server="10.4.0.11:8000", running=6.0, waiting=2.0, kv_cache=0.63)
    gpus = tuple(
        GpuThen(
            host="gpu-node-1",
            device=f"GPU-3c1e{number:04}-77aa",
            model=_H100,
            utilization=0.91 - number * 0.4,
            memory_used=61e9,
            memory_total=80e9,
            power=512.0 - number * 300,
            temperature=71.0,
            throttled=("sw power cap",) if number == 0 else (),
            apart=None if number == 0 else 34.2,
        )
        for number in range(2 if size == "much" else 1)
    )
    return ServedMoment(
        servers=(server,),
        phases=(
            Phase("Queue", 0.041, True, "median of the server's queue times"),
            Phase("Prefill", 0.212, False, "time to first token, less the queue"),
            Phase("Decode", 1.48, False, "after the first token"),
        ),
        gpus=gpus,
        more_gpus=6 if size == "much" else 0,
    )
