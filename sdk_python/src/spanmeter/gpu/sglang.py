"""SGLang's metrics. A server prints them when it runs with --enable-metrics."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import counter, gauge, histogram
from spanmeter.gpu.serving import Server

__all__ = ["SGLANG"]

SGLANG = Server(
    name="sglang",
    title="SGLang",
    default_port=30000,
    model_label="model_name",
    table=(
        gauge(names.RUNNING, "{request}", "sglang:num_running_reqs"),
        gauge(names.WAITING, "{request}", "sglang:num_queue_reqs"),
        gauge(names.KV_CACHE, "1", "sglang:token_usage"),
        counter(names.TOKENS, "{token}", "sglang:prompt_tokens", attributes={"gen_ai.token.type": "input"}),
        counter(names.TOKENS, "{token}", "sglang:generation_tokens", attributes={"gen_ai.token.type": "output"}),
        counter(names.CACHED_TOKENS, "{token}", "sglang:cached_tokens"),
        counter(
            names.FINISHED, "{request}", "sglang:num_requests", attributes={"spanmeter.serving.reason": "finished"}
        ),
        counter(
            names.FINISHED,
            "{request}",
            "sglang:num_aborted_requests",
            attributes={"spanmeter.serving.reason": "aborted"},
        ),
        histogram(names.TTFT, "s", "sglang:time_to_first_token_seconds"),
        histogram(names.TPOT, "s", "sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"),
        histogram(names.REQUEST_DURATION, "s", "sglang:e2e_request_latency_seconds"),
        histogram(names.QUEUE, "s", "sglang:queue_time_seconds"),
    ),
)
