"""llama.cpp's server, when it runs with --metrics. Its page names no model; /v1/models does."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import counter, gauge
from spanmeter.gpu.serving import Server

__all__ = ["LLAMA_CPP"]


def _model(answer: object) -> str:
    models = answer.get("data") if isinstance(answer, dict) else None
    return str(models[0]["id"]) if isinstance(models, list) and len(models) == 1 else ""


LLAMA_CPP = Server(
    name="llama_cpp",
    title="llama.cpp",
    default_port=8080,
    model_at="/v1/models",
    model_in=_model,
    table=(
        gauge(names.RUNNING, "{request}", "llamacpp:requests_processing"),
        gauge(names.WAITING, "{request}", "llamacpp:requests_deferred"),
        # Gone from newer versions, which say nothing about the cache.
        gauge(names.KV_CACHE, "1", "llamacpp:kv_cache_usage_ratio"),
        counter(names.TOKENS, "{token}", "llamacpp:prompt_tokens", attributes={"gen_ai.token.type": "input"}),
        counter(names.TOKENS, "{token}", "llamacpp:tokens_predicted", attributes={"gen_ai.token.type": "output"}),
        counter(names.CACHED_TOKENS, "{token}", "llamacpp:prompt_tokens_cached"),
        counter(names.COMPUTE_TIME, "s", "llamacpp:prompt_seconds", attributes={"spanmeter.serving.phase": "prefill"}),
        counter(
            names.COMPUTE_TIME,
            "s",
            "llamacpp:tokens_predicted_seconds",
            attributes={"spanmeter.serving.phase": "decode"},
        ),
    ),
)
