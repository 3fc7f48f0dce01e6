"""GPUs and served models over time, as charts. Pure.

One chart a quantity, one line a GPU: what is compared stands on one axis. A gap in the samples is a gap in the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.analytics.gpu_series import GpuTimes, ServerTimes, Timeline, Values, mean_of
from apps.ui.charts import Chart, Series, Unit, timeseries

__all__ = ["MOST_LINES", "gpu_charts", "gpu_key", "server_charts", "server_key"]

MOST_LINES = 7
_NAMED = 3
_EMPTY = "Not measured in this range."


def gpu_key(host: str, device: str) -> str:
    """What names one GPU in an address."""
    return f"{host}/{device}"


def server_key(host: str, server: str, model: str) -> str:
    """What names one served model in an address."""
    return f"{host}/{server}/{model}"


def gpu_charts(times: Timeline, gpus: Sequence[GpuTimes], *, zone: str) -> tuple[Chart, ...]:
    """Utilisation, memory, power, temperature, throttling. Of many GPUs the busiest have a line each, the rest one."""
    if not gpus:
        return ()
    ordered = sorted(gpus, key=lambda gpu: (-_mean(gpu.utilization), gpu.host, gpu.index, gpu.device))
    lines = ordered if len(ordered) <= MOST_LINES + 1 else ordered[:MOST_LINES]
    rest = ordered[len(lines) :]
    names = _names(lines)

    def chart(chart_id: str, title: str, help_text: str, unit: Unit, read: Callable[[GpuTimes], Values]) -> Chart:
        series = [
            Series(name=name, values=read(gpu), ink=_ink(at), line=True)
            for at, (gpu, name) in enumerate(zip(lines, names, strict=True))
        ]
        if rest:
            mean = mean_of([read(gpu) for gpu in rest])
            series.append(Series(name=f"mean of {len(rest)} others", values=mean, ink="series-rest", line=True))
        return _chart(times, series, chart_id=chart_id, title=title, help_text=help_text, unit=unit, zone=zone)

    first, *others = (
        chart(
            "gpu-busy", "Utilisation", "share of the time with a kernel running", Unit.SHARE, lambda g: g.utilization
        ),
        chart("gpu-memory", "Memory in use", "of the GPU's own", Unit.SHARE, lambda g: g.memory),
        chart("gpu-power", "Power", "mean", Unit.WATTS, lambda g: g.power),
        chart("gpu-heat", "Temperature", "mean", Unit.CELSIUS, lambda g: g.temperature),
        chart("gpu-slowed", "Throttled", "share of the time", Unit.SHARE, lambda g: g.throttled),
    )
    # The lines are the same in each chart: where they are many, their names stand once.
    return (first, *(replace(one, legend=()) if len(first.legend) > _NAMED else one for one in others))


def server_charts(times: Timeline, server: ServerTimes, *, zone: str) -> tuple[Chart, ...]:
    """Requests, KV cache, time to first token, time per token, tokens per second, preemptions and cold starts."""

    def chart(chart_id: str, title: str, help_text: str, unit: Unit, *series: Series) -> Chart:
        return _chart(times, series, chart_id=chart_id, title=title, help_text=help_text, unit=unit, zone=zone)

    buckets = "by the server"
    each = f"per {times.width.label}"
    return (
        chart(
            "serving-requests",
            "Requests",
            "at a time",
            Unit.COUNT,
            Series(name="Running", values=_round(server.running), ink="series-1", line=True),
            Series(name="Waiting", values=_round(server.waiting), ink="series-2", line=True),
            Series(name="Waiting, most", values=_round(server.waiting_most), ink="series-5", line=True),
        ),
        chart(
            "serving-cache",
            "KV cache in use",
            "mean and highest",
            Unit.SHARE,
            Series(name="Mean", values=server.kv_cache, ink="series-1", line=True),
            Series(name="Highest", values=server.kv_cache_most, ink="series-5", line=True),
        ),
        chart(
            "serving-ttft",
            "Time to first token",
            buckets,
            Unit.SECONDS,
            Series(name="p50", values=server.ttft_p50, ink="series-1", line=True),
            Series(name="p95", values=server.ttft_p95, ink="series-2", line=True),
        ),
        chart(
            "serving-tpot",
            "Time per token",
            buckets,
            Unit.SECONDS,
            Series(name="p50", values=server.tpot_p50, ink="series-1", line=True),
            Series(name="p95", values=server.tpot_p95, ink="series-2", line=True),
        ),
        chart(
            "serving-tokens",
            "Tokens per second",
            "by the server's counters",
            Unit.COUNT,
            Series(name="Output", values=_round(server.output_rate), ink="series-1", line=True),
            Series(name="Input", values=_round(server.input_rate), ink="series-3", line=True),
        ),
        chart(
            "serving-troubles",
            "Preemptions and cold starts",
            each,
            Unit.COUNT,
            Series(name="Preemptions", values=_round(server.preemptions), ink="series-2"),
            Series(name="Cold starts", values=_round(server.cold_starts), ink="series-3"),
            Series(name="Seconds of loading", values=_round(server.cold_seconds), ink="series-3", drawn=False),
        ),
    )


def _chart(
    times: Timeline, series: Sequence[Series], *, chart_id: str, title: str, help_text: str, unit: Unit, zone: str
) -> Chart:
    place = ZoneInfo(zone)
    starts: list[datetime] = [start.astimezone(place) for start in times.starts]
    return timeseries(
        chart_id=chart_id,
        title=title,
        help_text=help_text,
        starts=starts,
        width_seconds=float(times.width.seconds),
        series=series,
        unit=unit,
        empty=_EMPTY,
        zeros=True,
    )


def _names(gpus: Sequence[GpuTimes]) -> list[str]:
    """The host and the number on it; the id where there is no number."""
    return [f"{gpu.host} · {gpu.index or gpu.device[:16]}" if gpu.host else gpu.index or gpu.device for gpu in gpus]


def _ink(at: int) -> str:
    return f"series-{at + 1}"


def _mean(values: Values) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else -1.0


def _round(values: Values) -> tuple[float | None, ...]:
    return tuple(None if value is None else round(value, 2) for value in values)
