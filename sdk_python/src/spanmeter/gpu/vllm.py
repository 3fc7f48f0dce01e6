"""vLLM's metrics (V1 engine, and the names that V0 and 0.x had)."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import counter, gauge, histogram
from spanmeter.gpu.serving import Server

__all__ = ["VLLM"]

_INPUT = {"gen_ai.token.type": "input"}
_OUTPUT = {"gen_ai.token.type": "output"}

VLLM = Server(
    name="vllm",
    title="vLLM",
    default_port=8000,
    model_label="model_name",
    table=(
        gauge(names.RUNNING, "{request}", "vllm:num_requests_running"),
        gauge(names.WAITING, "{request}", "vllm:num_requests_waiting"),
        gauge(names.KV_CACHE, "1", "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        counter(names.TOKENS, "{token}", "vllm:prompt_tokens", attributes=_INPUT),
        counter(names.TOKENS, "{token}", "vllm:generation_tokens", attributes=_OUTPUT),
        # Not prefix_cache_hits: it counts a waiting request again at every step.
        counter(names.CACHED_TOKENS, "{token}", "vllm:prompt_tokens_cached"),
        counter(names.PREEMPTIONS, "{preemption}", "vllm:num_preemptions"),
        counter(
            names.FINISHED, "{request}", "vllm:request_success", labels={"finished_reason": "spanmeter.serving.reason"}
        ),
        histogram(names.TTFT, "s", "vllm:time_to_first_token_seconds"),
        histogram(
            names.TPOT,
            "s",
            "vllm:request_time_per_output_token_seconds",
            "vllm:inter_token_latency_seconds",
            "vllm:time_per_output_token_seconds",
        ),
        histogram(names.REQUEST_DURATION, "s", "vllm:e2e_request_latency_seconds"),
        histogram(names.QUEUE, "s", "vllm:request_queue_time_seconds"),
        histogram(names.PREFILL, "s", "vllm:request_prefill_time_seconds"),
        histogram(names.DECODE, "s", "vllm:request_decode_time_seconds"),
    ),
)
