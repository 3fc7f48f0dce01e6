"""A host's NVIDIA GPUs as a source. Every value is read by itself, so one that cannot be read takes no other with it.

Knows what the numbers mean; which library answers is the seam's business.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.nvml_seam import Gone, Gpu, Nvml, Unreadable
from spanmeter.gpu.point import Instrument, Point
from spanmeter.gpu.source import SourceFailed

__all__ = ["THROTTLE_REASONS", "NvmlSource"]

# Bits of NVML's clocks event reasons that slow a GPU down. Idle and chosen clocks are no throttling.
THROTTLE_REASONS: Mapping[str, int] = {
    "sw_power_cap": 0x4,
    "hw_slowdown": 0x8,
    "sw_thermal": 0x20,
    "hw_thermal": 0x40,
    "hw_power_brake": 0x80,
}
_MOST_PROCESSES = 64
_COUNTERS = {names.ENERGY, names.ERRORS}
_T = TypeVar("_T")


class NvmlSource:
    """Reads all GPUs of this host."""

    name = "nvml"
    place = "local"

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        self._known: dict[str, Mapping[str, str]] = {}

    def read(self) -> Sequence[Point]:
        """Return what each GPU says; a GPU that was there and no longer is has the state `failed` and nothing else."""
        try:
            gpus = self._nvml.gpus()
        except Unreadable as error:
            raise SourceFailed(f"NVML: {error}") from error
        driver = _maybe(self._nvml.driver_version)
        found: list[Point] = []
        alive: set[str] = set()
        for gpu in gpus:
            try:
                identity: Mapping[str, str] = {
                    "hw.id": gpu.uuid,
                    "hw.type": "gpu",
                    "hw.vendor": "NVIDIA",
                    "hw.model": gpu.model,
                    "hw.gpu.index": str(gpu.index),
                    **({"hw.driver_version": driver} if driver else {}),
                }
                self._known[gpu.uuid] = identity
                points = list(_points(gpu, identity))
            except Gone:
                continue
            alive.add(gpu.uuid)
            found += points
        for uuid, identity in self._known.items():
            state = "ok" if uuid in alive else "failed"
            found.append(Point(name=names.STATUS, value=1, unit="1", attributes={**identity, "hw.state": state}))
        if not self._known:
            raise SourceFailed("NVML: this host has no NVIDIA GPU that the driver knows; see nvidia-smi")
        return found


def _maybe(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except Unreadable:
        return None


def _points(gpu: Gpu, identity: Mapping[str, str]) -> Iterator[Point]:
    def point(name: str, value: float, unit: str, /, **more: str) -> Point:
        attributes = {**identity, **{key.replace("__", "."): text for key, text in more.items()}}
        instrument = Instrument.COUNTER if name in _COUNTERS else Instrument.GAUGE
        return Point(name=name, value=value, unit=unit, instrument=instrument, attributes=attributes)

    if (busy := _maybe(gpu.utilization)) is not None:
        yield point(names.GPU_UTILIZATION, busy / 100, "1", hw__gpu__task="general")
    if (memory := _maybe(gpu.memory)) is not None:
        used, total = memory
        yield point(names.GPU_MEMORY_USAGE, used, "By")
        yield point(names.GPU_MEMORY_LIMIT, total, "By")
        if total:
            yield point(names.GPU_MEMORY_UTILIZATION, used / total, "1")
    if (power := _maybe(gpu.power)) is not None:
        yield point(names.POWER, power / 1000, "W")
    if (limit := _maybe(gpu.power_limit)) is not None:
        yield point(names.GPU_POWER_LIMIT, limit / 1000, "W")
    if (energy := _maybe(gpu.energy)) is not None:
        yield point(names.ENERGY, energy / 1000, "J")
    if (degrees := _maybe(gpu.temperature)) is not None:
        yield point(names.TEMPERATURE, degrees, "Cel")
    for unit, (now, most) in (_maybe(gpu.clocks) or {}).items():
        yield point(names.GPU_CLOCK, now * 1_000_000, "Hz", hw__gpu__unit=unit)
        yield point(names.GPU_CLOCK_LIMIT, most * 1_000_000, "Hz", hw__gpu__unit=unit)
    if (bits := _maybe(gpu.throttle_reasons)) is not None:
        for reason, bit in THROTTLE_REASONS.items():
            yield point(names.GPU_THROTTLED, int(bool(bits & bit)), "1", spanmeter__gpu__reason=reason)
    for kind, count in (_maybe(gpu.ecc_errors) or {}).items():
        yield point(names.ERRORS, count, "{error}", error__type=f"ecc.{kind}")
    for unit, share in (_maybe(gpu.activity) or {}).items():
        yield point(names.GPU_ACTIVITY, share / 100, "1", hw__gpu__unit=unit)
    for process in (_maybe(gpu.processes) or ())[:_MOST_PROCESSES]:
        if process.memory is not None:
            yield point(
                names.GPU_PROCESS_MEMORY,
                process.memory,
                "By",
                process__pid=str(process.pid),
                process__executable__name=process.name,
            )
    for part in _maybe(gpu.mig_instances) or ():
        own = {"hw__id": part.uuid, "hw__parent": gpu.uuid, "hw__name": part.name}
        yield point(names.GPU_MEMORY_USAGE, part.used, "By", **own)
        yield point(names.GPU_MEMORY_LIMIT, part.total, "By", **own)
