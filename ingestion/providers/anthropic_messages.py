"""Anthropic's Messages API, and its token counting, which costs nothing."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_count, as_dict, as_list, as_text, clip, loads
from ingestion.providers.base import Answer, Reading
from ingestion.providers.shapes.anthropic_messages import content_parts, request_messages
from ingestion.providers.shapes.anthropic_stream import MessageStream
from ingestion.providers.shapes.anthropic_usage import read_anthropic_usage
from ingestion.providers.shapes.document import read_document
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.parameters import model_parameters, served_model, user_of
from ingestion.records import SpanKind
from ingestion.usage import Basis

__all__ = ["AnthropicMessages"]


class AnthropicMessages:
    """POST …/v1/messages and …/v1/messages/count_tokens."""

    name = "anthropic_messages"

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """`/v1/messages` exactly: OpenAI's threads have messages too, deeper down."""
        if method != "POST":
            return False
        if path.endswith(("/v1/messages", "/v1/messages/count_tokens")):
            return True
        return provider == "anthropic" and path.endswith(("/messages", "/messages/count_tokens"))

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read one exchange."""
        asked = as_dict(request)
        if path.endswith("/count_tokens"):
            return _counting(asked, answer)
        stream = MessageStream(answer.body) if answer.is_stream else None
        notes: tuple[str, ...] = ()
        if stream is None:
            body, note, usage_known = read_document(answer)
            said = as_dict(body)
            if note and answer.body:
                notes = (f"response body: {note}",)
            parts, raw_usage = content_parts(said.get("content")), said.get("usage")
            stop_reason, error = as_text(said.get("stop_reason")), read_error(said)
            complete = usage_known or bool(stop_reason and raw_usage)
        else:
            said, parts, raw_usage = stream.head, stream.parts(), stream.usage
            stop_reason, error, complete, notes = stream.stop_reason, stream.error, stream.ended, stream.notes
        usage, usage_notes = read_anthropic_usage(
            raw_usage, basis=Basis.PROVIDER if complete else Basis.PROVIDER_PARTIAL
        )
        given = as_dict(raw_usage)
        attributes = {}
        for key in ("inference_geo", "speed"):
            if as_text(given.get(key)):
                attributes[f"anthropic.{key}"] = clip(as_text(given.get(key)), 64)
        return Reading(
            operation="chat",
            model_requested=clip(as_text(asked.get("model"))),
            model=served_model(said.get("model")),
            response_id=clip(as_text(said.get("id"))),
            stream=asked.get("stream") is True or stream is not None,
            finish_reason=clip(stop_reason, 64),
            error_type=error[0],
            error_message=error[1],
            usage=usage,
            usage_complete=complete,
            inputs=request_messages(asked),
            outputs=[m.message("assistant", parts, finish_reason=stop_reason)] if parts or stop_reason else [],
            model_parameters=model_parameters(asked),
            tools=as_list(asked.get("tools")),
            first_token_offset=stream.first_token_offset if stream is not None else None,
            user=user_of(asked),
            service_tier=clip(as_text(given.get("service_tier")), 32),
            attributes=attributes,
            notes=notes + usage_notes,
        )


def _counting(asked: dict[str, Any], answer: Answer) -> Reading:
    body, _ = loads(answer.body)
    said = as_dict(body)
    counted = as_count(said.get("input_tokens"))
    error_type, error_message = read_error(said)
    return Reading(
        kind=SpanKind.SPAN,
        operation="count_tokens",
        billable=False,
        not_billable_reason="count_tokens",
        model_requested=clip(as_text(asked.get("model"))),
        error_type=error_type,
        error_message=error_message,
        inputs=request_messages(asked),
        model_parameters=model_parameters(asked),
        tools=as_list(asked.get("tools")),
        user=user_of(asked),
        attributes={} if counted is None else {"count_tokens.input_tokens": str(counted)},
    )
