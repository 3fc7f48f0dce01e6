"""Chat completions and legacy completions: OpenAI and the servers that speak its dialect (Azure, Groq, Mistral,
DeepSeek, OpenRouter, Together, Fireworks, vLLM, SGLang, llama.cpp, Ollama's /v1, Sarvam …).

What differs between them is data in `shapes.openai_usage`, not code here.
"""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_decimal, as_dict, as_list, as_text, clip, path_of
from ingestion.providers.base import Answer, Reading
from ingestion.providers.shapes.chat_messages import assistant_message, chat_messages
from ingestion.providers.shapes.chat_stream import ChatStream
from ingestion.providers.shapes.document import read_document
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.openai_usage import llama_timings_usage, read_openai_usage, reported_cost
from ingestion.providers.shapes.parameters import model_parameters, served_model, session_of, user_of
from ingestion.usage import Basis, Usage

__all__ = ["OpenAIChat"]


class OpenAIChat:
    """POST …/chat/completions and …/completions."""

    name = "openai_chat"

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """Azure puts a deployment in front, Groq /openai, OpenRouter /api: the end of the path decides."""
        return method == "POST" and path.endswith(("/chat/completions", "/v1/completions", "/completions"))

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read one exchange."""
        asked = as_dict(request)
        chat = path.endswith("/chat/completions")
        wants_stream = asked.get("stream") is True
        said = _streamed(answer) if answer.is_stream else _whole(answer)
        attributes: dict[str, str] = {}
        for key in ("system_fingerprint", "provider"):
            value = as_text(said.head.get(key))
            if value:
                attributes[f"response.{key}"] = clip(value)
        queue = as_decimal(path_of(said.usage_raw, "queue_time"))
        error_type, error_message = said.error
        return Reading(
            operation="chat" if chat else "text_completion",
            model_requested=clip(as_text(asked.get("model")) or _deployment(path)),
            model=served_model(said.head.get("model")),
            response_id=clip(as_text(said.head.get("id"))),
            stream=wants_stream or answer.is_stream,
            finish_reason=clip(said.finish_reason, 64),
            error_type=error_type,
            error_message=error_message,
            usage=said.usage,
            usage_complete=said.complete,
            inputs=chat_messages(asked.get("messages")) if chat else _prompts(asked.get("prompt")),
            outputs=said.outputs,
            model_parameters=model_parameters(asked),
            tools=as_list(asked.get("tools")) or as_list(asked.get("functions")),
            first_token_offset=said.first_token_offset,
            user=user_of(asked),
            session=session_of(asked),
            service_tier=clip(as_text(said.head.get("service_tier")), 32),
            reported_cost=reported_cost(said.usage_raw),
            queue_seconds=queue,
            attributes=attributes,
            notes=said.notes,
        )


class _Said:
    """What the answer held, streamed or whole."""

    __slots__ = (
        "complete",
        "error",
        "finish_reason",
        "first_token_offset",
        "head",
        "notes",
        "outputs",
        "usage",
        "usage_raw",
    )

    def __init__(self, *, head: dict[str, Any], usage_raw: Any, timings: Any, complete: bool) -> None:
        basis = Basis.PROVIDER if complete else Basis.PROVIDER_PARTIAL
        self.head = head
        self.usage_raw = usage_raw
        self.usage: Usage
        self.usage, self.notes = read_openai_usage(usage_raw, basis=basis)
        if self.usage.basis is Basis.NONE and timings is not None:
            self.usage = llama_timings_usage(timings, basis=basis)
        self.complete = complete
        self.error: tuple[str, str] = ("", "")
        self.finish_reason = ""
        self.first_token_offset: int | None = None
        self.outputs: list[m.Message] = []


def _streamed(answer: Answer) -> _Said:
    stream = ChatStream(answer.body)
    said = _Said(
        head=stream.head,
        usage_raw=stream.usage,
        timings=stream.extra.get("timings"),
        complete=stream.complete and not stream.error[0],
    )
    said.error = stream.error
    said.finish_reason = stream.finish_reason
    said.first_token_offset = stream.first_token_offset
    said.outputs = stream.messages()
    said.notes += tuple(stream.notes)
    return said


def _whole(answer: Answer) -> _Said:
    body, note, usage_known = read_document(answer)
    head = as_dict(body)
    said = _Said(head=head, usage_raw=head.get("usage"), timings=head.get("timings"), complete=usage_known or not note)
    if note and answer.body:
        said.notes += (f"response body: {note}",)
    elif body is not None and not isinstance(body, dict):
        said.notes += (f"response body is a JSON {type(body).__name__}, expected an object",)
    said.error = read_error(head)
    for entry in as_list(head.get("choices")):
        choice = as_dict(entry)
        reason = as_text(choice.get("finish_reason"))
        said.finish_reason = said.finish_reason or reason
        spoken = as_dict(choice.get("message")) or {"content": as_text(choice.get("text"))}
        said.outputs.append(assistant_message(spoken, finish_reason=reason))
    return said


def _prompts(prompt: Any) -> list[m.Message]:
    if isinstance(prompt, str):
        return [m.message("user", [m.text(prompt)])] if prompt else []
    entries = as_list(prompt)
    if entries and all(type(entry) is int for entry in entries):
        return [m.message("user", [m.unknown("tokens", entries)])]
    return [m.message("user", [m.text(as_text(entry)) if entry else m.unknown("prompt", entry)]) for entry in entries]


def _deployment(path: str) -> str:
    """Azure names a deployment in the path and no model in the body."""
    _, found, rest = path.partition("/deployments/")
    return rest.partition("/")[0] if found else ""
