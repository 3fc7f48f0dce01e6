"""Text Generation Inference. Its page names no model; /info does."""

from spanmeter.gpu import metric_names as names
from spanmeter.gpu.mapping import counter, gauge, histogram
from spanmeter.gpu.serving import Server

__all__ = ["TGI"]


def _model(answer: object) -> str:
    return str(answer.get("model_id") or "") if isinstance(answer, dict) else ""


TGI = Server(
    name="tgi",
    title="Text Generation Inference",
    default_port=80,
    model_at="/info",
    model_in=_model,
    table=(
        gauge(names.RUNNING, "{request}", "tgi_batch_current_size"),
        gauge(names.WAITING, "{request}", "tgi_queue_size"),
        counter(
            names.FINISHED,
            "{request}",
            "tgi_request_success",
            attributes={"spanmeter.serving.reason": "success"},
        ),
        counter(names.FINISHED, "{request}", "tgi_request_failure", labels={"err": "spanmeter.serving.reason"}),
        counter(names.TOKENS, "{token}", "tgi_request_input_length_sum", attributes={"gen_ai.token.type": "input"}),
        counter(
            names.TOKENS, "{token}", "tgi_request_generated_tokens_sum", attributes={"gen_ai.token.type": "output"}
        ),
        histogram(names.TPOT, "s", "tgi_request_mean_time_per_token_duration"),
        histogram(names.REQUEST_DURATION, "s", "tgi_request_duration"),
        histogram(names.QUEUE, "s", "tgi_request_queue_duration"),
    ),
)
