"""OpenAI's Responses API. The last event of a stream carries the whole answer; when the stream broke before it, the
deltas are put together instead.

Fetching a stored response repeats its usage, so only the call that created it is billed.
"""

from decimal import Decimal
from typing import Any

from ingestion import messages as m
from ingestion.gap import usage_at_end
from ingestion.json_shape import as_count, as_dict, as_list, as_text, clip
from ingestion.providers.base import Answer, Reading
from ingestion.providers.shapes.document import read_document
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.json_events import JsonEvents
from ingestion.providers.shapes.openai_usage import read_openai_usage, reported_cost
from ingestion.providers.shapes.parameters import model_parameters, served_model, session_of, user_of
from ingestion.providers.shapes.responses_messages import input_messages, output_messages
from ingestion.usage import Basis, Bucket, Usage

__all__ = ["OpenAIResponses"]

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_TEXT = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "arguments",
}
MAX_ITEMS = 4096


class OpenAIResponses:
    """POST …/responses, and GET …/responses/{id}."""

    name = "openai_responses"

    def recognises(self, method: str, path: str, provider: str) -> bool:
        """Creating a response, or fetching one by its id."""
        if method == "POST":
            return path.endswith("/responses")
        head, _, last = path.rpartition("/")
        return method == "GET" and head.endswith("/responses") and last.startswith("resp_")

    def read(self, request: Any, answer: Answer, *, method: str, path: str) -> Reading:
        """Read one exchange."""
        asked = as_dict(request)
        fetched = method == "GET"
        stream = _Stream(answer.body) if answer.is_stream else None
        notes: tuple[str, ...] = ()
        if stream is None:
            body, note, usage_known = read_document(answer)
            said = as_dict(body)
            complete = usage_known or not note
            if note and answer.body:
                notes = (f"response body: {note}",)
            error_type, error_message = read_error(said)
        else:
            said = stream.response
            complete = stream.ended
            notes = stream.notes
            usage_seen = {} if complete else usage_at_end(answer.fragment, depth=2)
            if usage_seen:
                # The last event repeats the whole answer, so a large one's beginning lies in the gap of the capture.
                said = {**said, "usage": usage_seen, "status": ""}
                complete = True
                notes += ("the stream's last event was captured in part: its usage is known, its status is not",)
            error_type, error_message = stream.error if stream.error[0] else read_error(said)
        status = as_text(said.get("status"))
        usage, usage_notes = read_openai_usage(
            said.get("usage"), basis=Basis.PROVIDER if complete else Basis.PROVIDER_PARTIAL
        )
        background = asked.get("background") is True and status in {"queued", "in_progress"}
        finish_reason = _finish_reason(said, status)
        outputs = output_messages(said.get("output"), finish_reason=finish_reason)
        if stream is not None and not as_list(said.get("output")):
            outputs = stream.messages(finish_reason=finish_reason)
        attributes = {}
        if as_text(asked.get("previous_response_id")):
            attributes["gen_ai.request.previous_response.id"] = clip(as_text(asked.get("previous_response_id")))
        if status:
            attributes["gen_ai.response.status"] = clip(status, 32)
        if background:
            notes += ("background response: the provider reports its usage only to whoever fetches it later",)
        return Reading(
            operation="fetch_response" if fetched else "chat",
            billable=not fetched,
            not_billable_reason="fetch_response" if fetched else "",
            model_requested=clip(as_text(asked.get("model"))),
            model=served_model(said.get("model")),
            response_id=clip(as_text(said.get("id"))),
            stream=asked.get("stream") is True or stream is not None,
            finish_reason=finish_reason,
            error_type=error_type,
            error_message=error_message,
            usage=Usage(raw=usage.raw) if fetched else _with_searches(usage, said),
            usage_complete=complete,
            estimable=not background and not fetched,
            inputs=input_messages(asked),
            outputs=outputs,
            model_parameters=model_parameters(asked),
            tools=as_list(asked.get("tools")),
            first_token_offset=stream.first_token_offset if stream is not None else None,
            user=user_of(asked),
            session=session_of(asked),
            service_tier=clip(as_text(said.get("service_tier")), 32),
            reported_cost=reported_cost(said.get("usage")),
            attributes=attributes,
            notes=notes + usage_notes,
        )


def _finish_reason(said: dict[str, Any], status: str) -> str:
    if status == "incomplete":
        return clip(as_text(as_dict(said.get("incomplete_details")).get("reason")) or "incomplete", 64)
    if status == "completed":
        calls = any(as_dict(item).get("type") == "function_call" for item in as_list(said.get("output")))
        return "tool_calls" if calls else "stop"
    return status if status in {"failed", "cancelled"} else ""


def _with_searches(usage: Usage, said: dict[str, Any]) -> Usage:
    """Web searches are billed apart, and only the output items tell how many there were."""
    if usage.basis is Basis.NONE or Bucket.WEB_SEARCHES in usage.quantities:
        return usage
    searches = 0
    for item in as_list(said.get("output")):
        call = as_dict(item)
        if call.get("type") == "web_search_call" and as_dict(call.get("action")).get("type") in {None, "search"}:
            searches += 1
    if not searches:
        return usage
    quantities = {**usage.quantities, Bucket.WEB_SEARCHES: Decimal(searches)}
    return Usage(quantities=quantities, basis=usage.basis, token_basis=usage.token_basis, raw=usage.raw)


class _Stream:
    """All events of one stream, read."""

    __slots__ = ("_items", "_pieces", "_places", "ended", "error", "first_token_offset", "notes", "response")

    def __init__(self, body: bytes) -> None:
        self.response: dict[str, Any] = {}
        self.ended = False
        self.error: tuple[str, str] = ("", "")
        self.first_token_offset: int | None = None
        self._items: dict[int, dict[str, Any]] = {}
        self._pieces: dict[int, dict[str, list[str]]] = {}
        self._places: dict[str, int] = {}
        events = JsonEvents(body, last=b"[DONE]")
        for event, value in events:
            self._event(as_text(value.get("type")) or event.event, value, event.end)
        self.notes = events.notes

    def messages(self, *, finish_reason: str) -> list[m.Message]:
        """Return what the deltas said, for a stream without its last event."""
        items: list[dict[str, Any]] = []
        for index in sorted(self._items.keys() | self._pieces.keys()):
            item = dict(self._items.get(index) or {"type": "message", "role": "assistant"})
            pieces = {kind: "".join(words) for kind, words in self._pieces.get(index, {}).items()}
            if pieces.get("arguments"):
                item["arguments"] = pieces["arguments"]
            if pieces.get("reasoning"):
                item.update(type="reasoning", content=[{"text": pieces["reasoning"]}])
            content = [{"type": "output_text", "text": pieces["text"]}] if pieces.get("text") else []
            if pieces.get("refusal"):
                content.append({"type": "refusal", "refusal": pieces["refusal"]})
            if content:
                item["content"] = content
            items.append(item)
        return output_messages(items, finish_reason=finish_reason)

    def _index(self, value: dict[str, Any], item_id: Any) -> int:
        """Return the item's place in the output; llama.cpp gives its id only, so ids count in order of appearance."""
        index = as_count(value.get("output_index"))
        return self._places.setdefault(as_text(item_id), len(self._places)) if index is None else index

    def _event(self, kind: str, value: dict[str, Any], end: int) -> None:
        piece_kind = _TEXT.get(kind)
        if piece_kind is not None:
            delta = value.get("delta")
            index = self._index(value, value.get("item_id"))
            if isinstance(delta, str) and delta and index < MAX_ITEMS:
                self._pieces.setdefault(index, {}).setdefault(piece_kind, []).append(delta)
                if self.first_token_offset is None:
                    self.first_token_offset = end
        elif kind in {"response.output_item.added", "response.output_item.done"}:
            item = as_dict(value.get("item"))
            index = self._index(value, item.get("id"))
            if index < MAX_ITEMS and item:
                self._items[index] = item
                if kind.endswith("done"):
                    self._pieces.pop(index, None)
        elif kind == "error":
            self.error = read_error(value) if "error" in value else read_error({"error": value})
        elif kind.startswith("response.") and isinstance(value.get("response"), dict):
            self.response = value["response"]
            if kind in _LAST:
                self.ended = True
