"""NVIDIA's DCGM exporter: the GPUs of a host, or of a cluster's node, without NVML in this process."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import Entry, counter, gauge
from spanmeter.gpu.point import Instrument
from spanmeter.gpu.serving import Server

__all__ = ["DCGM"]

_MEBI = 1024 * 1024
_GPU = {
    "UUID": "hw.id",
    "modelName": "hw.model",
    "Hostname": "spanmeter.gpu.host",
    "gpu": "hw.gpu.index",
    "GPU_I_ID": "spanmeter.gpu.mig.id",
    "pod": "k8s.pod.name",
    "namespace": "k8s.namespace.name",
    "container": "k8s.container.name",
}


def _with(name: str, unit: str, theirs: str, attribute: str, value: str, scale: float = 1.0) -> Entry:
    return Entry(name, unit, Instrument.GAUGE, (theirs,), scale, {attribute: value}, _GPU)


DCGM = Server(
    name="dcgm",
    title="the DCGM exporter",
    default_port=9400,
    table=(
        _with(names.GPU_UTILIZATION, "1", "DCGM_FI_DEV_GPU_UTIL", "hw.gpu.task", "general", 0.01),
        _with(names.GPU_UTILIZATION, "1", "DCGM_FI_DEV_ENC_UTIL", "hw.gpu.task", "encoder", 0.01),
        _with(names.GPU_UTILIZATION, "1", "DCGM_FI_DEV_DEC_UTIL", "hw.gpu.task", "decoder", 0.01),
        _with(names.GPU_ACTIVITY, "1", "DCGM_FI_PROF_SM_ACTIVE", "hw.gpu.unit", "sm"),
        _with(names.GPU_ACTIVITY, "1", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "hw.gpu.unit", "tensor"),
        _with(names.GPU_ACTIVITY, "1", "DCGM_FI_PROF_DRAM_ACTIVE", "hw.gpu.unit", "dram"),
        _with(names.GPU_CLOCK, "Hz", "DCGM_FI_DEV_SM_CLOCK", "hw.gpu.unit", "sm", 1e6),
        _with(names.GPU_CLOCK, "Hz", "DCGM_FI_DEV_MEM_CLOCK", "hw.gpu.unit", "memory", 1e6),
        gauge(names.GPU_MEMORY_USAGE, "By", "DCGM_FI_DEV_FB_USED", scale=_MEBI, labels=_GPU),
        gauge(names.GPU_MEMORY_LIMIT, "By", "DCGM_FI_DEV_FB_TOTAL", scale=_MEBI, labels=_GPU),
        gauge(names.POWER, "W", "DCGM_FI_DEV_POWER_USAGE", labels=_GPU),
        gauge(names.TEMPERATURE, "Cel", "DCGM_FI_DEV_GPU_TEMP", labels=_GPU),
        counter(names.ENERGY, "J", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", scale=1e-3, labels=_GPU),
        counter(
            names.ERRORS,
            "{error}",
            "DCGM_FI_DEV_ECC_DBE_VOL",
            attributes={"error.type": "ecc.uncorrected"},
            labels=_GPU,
        ),
        counter(
            names.ERRORS, "{error}", "DCGM_FI_DEV_ECC_SBE_VOL", attributes={"error.type": "ecc.corrected"}, labels=_GPU
        ),
    ),
)
