"""What OpenAI's answers and stream events say, as attributes and messages. Pure: objects in, values out.

Reads attributes only, so that any version's objects will do, and those of servers that speak the same dialect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spanmeter import _attributes as names
from spanmeter._messages import plain
from spanmeter._usage import usage_attributes

__all__ = ["Answered", "ChatStream", "EmbeddingsStream", "ResponsesStream", "read_answer"]

_MOST_TEXT = 262_144
_GENERATED = (
    "response.output_text.delta",
    "response.refusal.delta",
    "response.function_call_arguments.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.audio.delta",
)


@dataclass(slots=True)
class Answered:
    """What is known of an answer so far."""

    attributes: dict[str, Any] = field(default_factory=dict)
    output: list[Any] = field(default_factory=list)


def read_answer(answer: Any) -> Answered:
    """Read a whole answer of any of the three kinds."""
    found = Answered()
    _facts(found, answer)
    choices = get(answer, "choices")
    if isinstance(choices, list):
        reasons = [str(get(choice, "finish_reason") or "") for choice in choices]
        if any(reasons):
            found.attributes[names.FINISH_REASONS] = tuple(reasons)
        for choice in choices:
            message = plain(get(choice, "message"))
            if isinstance(message, Mapping):
                found.output.append({**message, "finish_reason": get(choice, "finish_reason")})
            elif get(choice, "text") is not None:
                found.output.append(get(choice, "text"))
    items = get(answer, "output")
    if isinstance(items, list):
        found.output.extend(items)
        found.attributes[names.FINISH_REASONS] = (_reason(answer),)
    return found


class ChatStream:
    """Chunks of a chat completion, put together. The last usage wins: some servers repeat it on every chunk."""

    def __init__(self) -> None:
        self._answered = Answered()
        self._choices: dict[int, dict[str, Any]] = {}
        self._size = 0

    def take(self, chunk: Any) -> bool:
        """Take a chunk; True when it holds something generated."""
        _facts(self._answered, chunk)
        generated = False
        for choice in get(chunk, "choices") or ():
            message = self._choices.setdefault(get(choice, "index") or 0, {"role": "assistant"})
            if get(choice, "finish_reason"):
                message["finish_reason"] = str(get(choice, "finish_reason"))
            delta = get(choice, "delta")
            for name in ("content", "refusal", "reasoning_content", "reasoning"):
                text = get(delta, name)
                if isinstance(text, str) and text:
                    generated = True
                    self._append(message, name, text)
            for call in get(delta, "tool_calls") or ():
                generated = True
                self._call(message, call)
        return generated

    def _append(self, message: dict[str, Any], name: str, text: str) -> None:
        if self._size < _MOST_TEXT:
            self._size += len(text)
            message.setdefault(name, []).append(text)

    def _call(self, message: dict[str, Any], call: Any) -> None:
        calls = message.setdefault("tool_calls", {})
        known = calls.setdefault(get(call, "index") or 0, {"id": None, "function": {"name": "", "arguments": []}})
        known["id"] = get(call, "id") or known["id"]
        function = get(call, "function")
        known["function"]["name"] += get(function, "name") or ""
        text = get(function, "arguments") or ""
        if self._size < _MOST_TEXT:
            self._size += len(text)
            known["function"]["arguments"].append(text)

    def answered(self) -> Answered:
        """Return what came."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        reasons = tuple(choice.get("finish_reason", "") for choice in choices)
        if any(reasons):
            self._answered.attributes[names.FINISH_REASONS] = reasons
        self._answered.output = [_joined(choice) for choice in choices]
        return self._answered


class ResponsesStream:
    """Events of the Responses API. The last one carries the whole answer; until then the deltas are what there is."""

    def __init__(self) -> None:
        self._whole: Any = None
        self._texts: list[str] = []
        self._size = 0

    def take(self, event: Any) -> bool:
        """Take an event; True when it holds something generated."""
        whole = get(event, "response")
        if whole is not None:
            self._whole = whole
        kind = get(event, "type")
        delta = get(event, "delta")
        if kind == "response.output_text.delta" and isinstance(delta, str) and self._size < _MOST_TEXT:
            self._size += len(delta)
            self._texts.append(delta)
        return kind in _GENERATED

    def answered(self) -> Answered:
        """Return what came."""
        found = read_answer(self._whole) if self._whole is not None else Answered()
        if not found.output and self._texts:
            found.output = ["".join(self._texts)]
        return found


class EmbeddingsStream:
    """Embeddings do not stream; this is for a server that sends them so all the same."""

    def __init__(self) -> None:
        self._answered = Answered()

    def take(self, piece: Any) -> bool:
        """Take a piece."""
        _facts(self._answered, piece)
        return True

    def answered(self) -> Answered:
        """Return what came."""
        return self._answered


def get(value: Any, name: str) -> Any:
    """Return a field of an object or a mapping, None when it is not there."""
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None) if value is not None else None


def _facts(found: Answered, answer: Any) -> None:
    for key, name in ((names.RESPONSE_ID, "id"), (names.RESPONSE_MODEL, "model"), (names.SERVICE_TIER, "service_tier")):
        value = get(answer, name)
        if isinstance(value, str) and value:
            found.attributes[key] = value
    usage = get(answer, "usage")
    if usage is not None:
        found.attributes.update(usage_attributes(usage))


def _reason(answer: Any) -> str:
    reason = get(get(answer, "incomplete_details"), "reason")
    return str(reason or get(answer, "status") or "")


def _joined(message: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {
        key: "".join(value) if isinstance(value, list) else value for key, value in message.items()
    }
    if "tool_calls" in whole:
        calls = whole["tool_calls"]
        whole["tool_calls"] = [
            {"id": call["id"], "function": {**call["function"], "arguments": "".join(call["function"]["arguments"])}}
            for _, call in sorted(calls.items())
        ]
    return whole
