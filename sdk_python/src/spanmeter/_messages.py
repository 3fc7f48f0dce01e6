"""Messages as clients send them, in the convention's shape: `[{"role": …, "parts": [{"type": "text", …}]}]`. Pure.

Understands text, OpenAI's chat messages, the items of its Responses API, and messages that have the shape already.
What it does not know is kept as a part of its own type, never guessed at.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["as_messages", "finish_reasons_of", "output_messages"]

_TEXT_TYPES = {"text", "input_text", "output_text"}


def as_messages(given: Any, role: str) -> list[Any]:
    """Return messages of anything a caller may have at hand; `role` is that of bare text."""
    items = given if isinstance(given, list | tuple) else [given]
    return [_message(item, role) for item in items]


def output_messages(given: Any) -> list[Any]:
    """Return the messages of an answer."""
    return as_messages(given, "assistant")


def finish_reasons_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return finish reasons as the convention has them: one per choice."""
    return (given,) if isinstance(given, str) else tuple(str(reason) for reason in given)


def plain(value: Any) -> Any:
    """Return a provider's object as a mapping, without running code of it; anything else as it is."""
    if isinstance(getattr(type(value), "model_fields", None), Mapping):
        return {key: item for key, item in vars(value).items() if item is not None}
    return value


def _message(item: Any, role: str) -> Any:
    item = plain(item)
    if isinstance(item, str):
        return {"role": role, "parts": [_text(item)]}
    if not isinstance(item, Mapping):
        return {"role": role, "parts": [{"type": "object", "content": item}]}
    if "parts" in item:
        return item
    kind = item.get("type")
    if kind in {"function_call", "custom_tool_call"}:
        return {"role": "assistant", "parts": [_call(item.get("call_id"), item.get("name"), item.get("arguments"))]}
    if kind in {"function_call_output", "custom_tool_call_output"}:
        return {"role": "tool", "parts": [_answer(item.get("call_id"), item.get("output"))]}
    if kind == "reasoning":
        parts = [{"type": "reasoning", "content": text} for text in _texts(item.get("summary"))]
        return {"role": "assistant", "parts": parts}
    if "content" not in item and "tool_calls" not in item and "role" not in item:
        return {"role": role, "parts": [{"type": str(kind or "object"), "content": item}]}
    return _chat(item, role)


def _chat(item: Mapping[str, Any], role: str) -> Any:
    said = str(item.get("role") or role)
    if said == "tool":
        return {"role": said, "parts": [_answer(item.get("tool_call_id"), item.get("content"))]}
    parts = _parts(item.get("content"))
    reasoning = item.get("reasoning_content") or item.get("reasoning")
    if isinstance(reasoning, str):
        parts.insert(0, {"type": "reasoning", "content": reasoning})
    if item.get("refusal"):
        parts.append({"type": "refusal", "content": item["refusal"]})
    for call in item.get("tool_calls") or ():
        call = plain(call)
        function = plain(call.get("function") or call.get("custom") or {}) if isinstance(call, Mapping) else {}
        if isinstance(call, Mapping):
            parts.append(_call(call.get("id"), function.get("name"), function.get("arguments", function.get("input"))))
    message: dict[str, Any] = {"role": said, "parts": parts}
    if item.get("finish_reason"):
        message["finish_reason"] = str(item["finish_reason"])
    return message


def _parts(content: Any) -> list[Any]:
    if content is None:
        return []
    if isinstance(content, str):
        return [_text(content)]
    return [_part(plain(part)) for part in (content if isinstance(content, list | tuple) else [content])]


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return _text(part)
    if not isinstance(part, Mapping):
        return {"type": "object", "content": part}
    if part.get("type") in _TEXT_TYPES:
        return _text(part.get("text", part.get("content")))
    image = plain(part.get("image_url"))
    if image is not None:
        uri = image.get("url") if isinstance(image, Mapping) else image
        return _uri(uri)
    return part


def _uri(uri: Any) -> Any:
    """Data of an image is not a prompt: its type and size are told instead."""
    text = uri if isinstance(uri, str) else ""
    if text.startswith("data:"):
        kind = text[5:].partition(";")[0]
        return {"type": "blob", "modality": "image", "mime_type": kind, "size": len(text)}
    return {"type": "uri", "modality": "image", "uri": text}


def _text(text: Any) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(id: Any, name: Any, arguments: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    return {"type": "tool_call", "id": id, "name": name, "arguments": arguments}


def _answer(id: Any, response: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    return {"type": "tool_call_response", "id": id, "response": response}


def _texts(parts: Any) -> list[Any]:
    found = [plain(part) for part in parts or ()]
    return [part.get("text") for part in found if isinstance(part, Mapping)]
