"""OpenAI chat messages (requests and answers, tool calls, images, audio) to canonical messages."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_dict, as_list, as_text, clip

__all__ = ["assistant_message", "chat_messages", "content_parts"]


def chat_messages(given: Any) -> list[m.Message]:
    """Return the canonical form of a request's `messages`."""
    found: list[m.Message] = []
    for entry in as_list(given):
        one = as_dict(entry)
        role = clip(as_text(one.get("role")), 64) or "user"
        if role in {"tool", "function"}:
            call_id = as_text(one.get("tool_call_id")) or as_text(one.get("name"))
            found.append(m.message(role, [m.tool_response(call_id=call_id, response=_plain(one.get("content")))]))
        elif role == "assistant":
            found.append(assistant_message(one))
        else:
            found.append(m.message(role, content_parts(one.get("content"))))
        name = as_text(one.get("name"))
        if name and role != "function":
            found[-1]["name"] = clip(name, 64)
    return found


def assistant_message(one: dict[str, Any], *, finish_reason: str = "") -> m.Message:
    """Return the canonical form of what the model said: reasoning, content, refusal, tool calls, audio."""
    parts: list[m.Part] = []
    thought = as_text(one.get("reasoning_content")) or as_text(one.get("reasoning"))  # DeepSeek, vLLM; OpenRouter, Groq
    if thought:
        parts.append(m.reasoning(thought))
    parts.extend(content_parts(one.get("content")))
    refused = as_text(one.get("refusal"))
    if refused:
        parts.append(m.refusal(refused))
    audio = as_dict(one.get("audio"))
    if audio:
        if as_text(audio.get("transcript")):
            parts.append(m.text(as_text(audio.get("transcript"))))
        if as_text(audio.get("data")):
            parts.append(m.blob(mime_type="audio", content=as_text(audio.get("data")), modality="audio"))
    parts.extend(_call(as_dict(call)) for call in as_list(one.get("tool_calls")))
    legacy = as_dict(one.get("function_call"))
    if legacy:
        parts.append(_call({"function": legacy}))
    return m.message("assistant", parts, finish_reason=finish_reason)


def content_parts(content: Any) -> list[m.Part]:
    """Return the parts of a `content`: a string, or a list of typed parts."""
    if isinstance(content, str):
        return [m.text(content)] if content else []
    return [_part(as_dict(entry)) if isinstance(entry, dict) else m.text(as_text(entry)) for entry in as_list(content)]


def _part(part: dict[str, Any]) -> m.Part:
    kind = as_text(part.get("type"))
    if kind in {"text", "input_text", "output_text"}:
        return m.text(as_text(part.get("text")))
    if kind == "refusal":
        return m.refusal(as_text(part.get("refusal")))
    if kind in {"thinking", "reasoning"}:  # Mistral
        return m.reasoning(" ".join(as_text(as_dict(t).get("text")) for t in as_list(part.get("thinking"))))
    if kind in {"image_url", "video_url"}:
        url = part.get(kind)
        url = as_text(url) or as_text(as_dict(url).get("url"))
        return m.media(url, modality="image" if kind == "image_url" else "video")
    if kind == "input_audio":
        audio = as_dict(part.get("input_audio"))
        mime_type = "audio/" + clip(as_text(audio.get("format")) or "unknown", 20)
        return m.blob(mime_type=mime_type, content=as_text(audio.get("data")), modality="audio")
    if kind == "file":
        held = as_dict(part.get("file"))
        if as_text(held.get("file_data")):
            return m.media(as_text(held.get("file_data")), modality="file")
        return m.file(as_text(held.get("file_id")))
    return m.unknown(clip(kind, 64), part)


def _call(call: dict[str, Any]) -> m.Part:
    function = as_dict(call.get("function")) or as_dict(call.get("custom"))
    arguments = function.get("arguments", function.get("input", ""))
    return m.tool_call(
        call_id=as_text(call.get("id")), name=clip(as_text(function.get("name")), 128), arguments=arguments
    )


def _plain(content: Any) -> Any:
    if isinstance(content, list):
        words = [as_text(as_dict(part).get("text")) for part in content]
        return "".join(words) if all(words) else content
    return content
