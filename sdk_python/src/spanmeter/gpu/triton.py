"""Triton Inference Server: its requests by model, and the GPUs as it sees them."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import counter, gauge, histogram
from spanmeter.gpu.serving import Server

__all__ = ["TRITON"]

_MICRO = 1e-6
_GPU = {"gpu_uuid": "hw.id"}

TRITON = Server(
    name="triton",
    title="Triton",
    default_port=8002,
    model_label="model",
    table=(
        gauge(names.WAITING, "{request}", "nv_inference_pending_request_count"),
        counter(
            names.FINISHED,
            "{request}",
            "nv_inference_request_success",
            attributes={"spanmeter.serving.reason": "success"},
        ),
        counter(
            names.FINISHED, "{request}", "nv_inference_request_failure", labels={"reason": "spanmeter.serving.reason"}
        ),
        counter(names.COMPUTE_TIME, "s", "nv_inference_compute_infer_duration_us", scale=_MICRO),
        histogram(names.TTFT, "s", "nv_inference_first_response_histogram_ms", scale=1e-3),
        gauge(names.GPU_UTILIZATION, "1", "nv_gpu_utilization", labels=_GPU),
        gauge(names.GPU_MEMORY_LIMIT, "By", "nv_gpu_memory_total_bytes", labels=_GPU),
        gauge(names.GPU_MEMORY_USAGE, "By", "nv_gpu_memory_used_bytes", labels=_GPU),
        gauge(names.POWER, "W", "nv_gpu_power_usage", labels=_GPU),
        counter(names.ENERGY, "J", "nv_energy_consumption", labels=_GPU),
    ),
)
