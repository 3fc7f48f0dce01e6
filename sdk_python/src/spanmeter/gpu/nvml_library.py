"""NVIDIA's library behind the seam, through nvidia-ml-py (extra `gpu`). The only file that imports it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pynvml

from spanmeter.gpu.nvml_seam import Gone, Gpu, MigInstance, Process, Unreadable

__all__ = ["LibraryNvml"]

_T = TypeVar("_T")
_GPM: Mapping[str, str] = {
    "sm": "NVML_GPM_METRIC_SM_UTIL",
    "tensor": "NVML_GPM_METRIC_ANY_TENSOR_UTIL",
    "dram": "NVML_GPM_METRIC_DRAM_BW_UTIL",
}


def _ask(question: Callable[..., _T], *arguments: Any) -> _T:
    """Ask, and tell a value that is not to be had from a GPU that is not there."""
    try:
        return question(*arguments)
    except (pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_ResetRequired) as error:
        raise Gone(str(error)) from error
    except pynvml.NVMLError as error:
        raise Unreadable(str(error)) from error


class _LibraryGpu:
    def __init__(self, handle: Any, index: int, gpm: dict[str, Any]) -> None:
        self._handle = handle
        self.index = index
        self._gpm = gpm
        self.uuid: str = _ask(pynvml.nvmlDeviceGetUUID, handle)
        self.model: str = _ask(pynvml.nvmlDeviceGetName, handle)

    def utilization(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetUtilizationRates, self._handle).gpu)

    def memory(self) -> tuple[int, int]:
        found = _ask(pynvml.nvmlDeviceGetMemoryInfo, self._handle)
        return int(found.used), int(found.total)

    def power(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetPowerUsage, self._handle))

    def power_limit(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetEnforcedPowerLimit, self._handle))

    def energy(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetTotalEnergyConsumption, self._handle))

    def temperature(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetTemperatureV, self._handle, pynvml.NVML_TEMPERATURE_GPU))

    def clocks(self) -> Mapping[str, tuple[int, int]]:
        kinds = {"sm": pynvml.NVML_CLOCK_SM, "memory": pynvml.NVML_CLOCK_MEM}
        return {
            unit: (
                int(_ask(pynvml.nvmlDeviceGetClockInfo, self._handle, kind)),
                int(_ask(pynvml.nvmlDeviceGetMaxClockInfo, self._handle, kind)),
            )
            for unit, kind in kinds.items()
        }

    def throttle_reasons(self) -> int:
        return int(_ask(pynvml.nvmlDeviceGetCurrentClocksEventReasons, self._handle))

    def ecc_errors(self) -> Mapping[str, int]:
        kinds = {
            "corrected": pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED,
            "uncorrected": pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
        }
        return {
            name: int(_ask(pynvml.nvmlDeviceGetTotalEccErrors, self._handle, kind, pynvml.NVML_VOLATILE_ECC))
            for name, kind in kinds.items()
        }

    def processes(self) -> Sequence[Process]:
        found = _ask(pynvml.nvmlDeviceGetComputeRunningProcesses, self._handle)
        return [Process(int(one.pid), _program(int(one.pid)), one.usedGpuMemory) for one in found]

    def activity(self) -> Mapping[str, float]:
        if not _ask(pynvml.nvmlGpmQueryDeviceSupport, self._handle).isSupportedDevice:
            raise Unreadable("this GPU has no performance monitoring (GPM); Hopper and newer do")
        sample = _ask(pynvml.nvmlGpmSampleAlloc)
        try:
            _ask(pynvml.nvmlGpmSampleGet, self._handle, sample)
        except (Gone, Unreadable):
            pynvml.nvmlGpmSampleFree(sample)
            raise
        before = self._gpm.get(self.uuid)
        self._gpm[self.uuid] = sample
        if before is None:
            return {}
        try:
            return _between(before, sample)
        finally:
            pynvml.nvmlGpmSampleFree(before)

    def mig_instances(self) -> Sequence[MigInstance]:
        current, _ = _ask(pynvml.nvmlDeviceGetMigMode, self._handle)
        if not current:
            return []
        found = []
        for place in range(_ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, self._handle)):
            try:
                part = _ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, self._handle, place)
                memory = _ask(pynvml.nvmlDeviceGetMemoryInfo, part)
                uuid, name = _ask(pynvml.nvmlDeviceGetUUID, part), _ask(pynvml.nvmlDeviceGetName, part)
            except Unreadable:
                continue  # places without an instance answer so
            found.append(MigInstance(uuid, name, int(memory.used), int(memory.total)))
        return found


def _between(before: Any, after: Any) -> Mapping[str, float]:
    request = pynvml.c_nvmlGpmMetricsGet_t()
    request.version = pynvml.NVML_GPM_METRICS_GET_VERSION
    request.numMetrics = len(_GPM)
    request.sample1, request.sample2 = before, after
    for place, constant in enumerate(_GPM.values()):
        request.metrics[place].metricId = getattr(pynvml, constant)
    _ask(pynvml.nvmlGpmMetricsGet, request)
    answers = zip(_GPM, request.metrics, strict=False)
    return {unit: float(one.value) for unit, one in answers if one.nvmlReturn == pynvml.NVML_SUCCESS}


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class LibraryNvml:
    """The driver of this host."""

    def __init__(self) -> None:
        self._gpm: dict[str, Any] = {}
        self._started = False

    def _start(self) -> None:
        if not self._started:
            _ask(pynvml.nvmlInit)
            self._started = True

    def driver_version(self) -> str:
        """As the driver says it."""
        return str(_ask(pynvml.nvmlSystemGetDriverVersion))

    def gpus(self) -> Sequence[Gpu]:
        """Return those that answer now; the driver may have been loaded since the last time."""
        self._start()
        found: list[Gpu] = []
        for index in range(_ask(pynvml.nvmlDeviceGetCount)):
            try:
                found.append(_LibraryGpu(_ask(pynvml.nvmlDeviceGetHandleByIndex, index), index, self._gpm))
            except (Gone, Unreadable):
                continue  # the source says of a GPU that it knew that it has failed
        return found
