"""Items of the OpenAI Responses API (requests and answers) to canonical messages."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_dict, as_list, as_text, clip

__all__ = ["input_messages", "output_messages"]

_CALLS = frozenset({"function_call", "custom_tool_call", "mcp_call", "computer_call", "local_shell_call", "shell_call"})
_SERVER_TOOLS = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"})


def input_messages(request: dict[str, Any]) -> list[m.Message]:
    """Return the canonical form of `instructions` and `input`."""
    found: list[m.Message] = []
    instructions = request.get("instructions")
    if isinstance(instructions, str) and instructions:
        found.append(m.message("system", [m.text(instructions)]))
    elif isinstance(instructions, list):
        found.extend(_item(as_dict(entry)) for entry in instructions)
    given = request.get("input")
    if isinstance(given, str):
        found.append(m.message("user", [m.text(given)]))
    else:
        found.extend(_item(as_dict(entry)) for entry in as_list(given))
    return found


def output_messages(items: Any, *, finish_reason: str = "") -> list[m.Message]:
    """Return the answer as one assistant message: its items are the parts of one turn."""
    parts: list[m.Part] = []
    for entry in as_list(items):
        parts.extend(_item(as_dict(entry))["parts"])
    return [m.message("assistant", parts, finish_reason=finish_reason)] if parts or finish_reason else []


def _item(item: dict[str, Any]) -> m.Message:
    kind = as_text(item.get("type")) or "message"
    if kind == "message":
        role = clip(as_text(item.get("role")), 64) or "user"
        return m.message(role, _content(item.get("content")))
    if kind == "reasoning":
        words = [as_text(as_dict(entry).get("text")) for entry in as_list(item.get("content"))]
        words += [as_text(as_dict(entry).get("text")) for entry in as_list(item.get("summary"))]
        joined = "\n".join(word for word in words if word)
        return m.message("assistant", [m.reasoning(joined)] if joined else [])
    if kind in _CALLS:
        arguments = item.get("arguments", item.get("input", item.get("action", "")))
        call_id = as_text(item.get("call_id")) or as_text(item.get("id"))
        name = as_text(item.get("name")) or kind
        parts = [m.tool_call(call_id=call_id, name=clip(name, 128), arguments=arguments)]
        if item.get("output") is not None:  # an MCP call carries its answer
            parts.append(m.tool_response(call_id=call_id, response=item.get("output")))
        return m.message("assistant", parts)
    if kind.endswith("_call_output"):
        return m.message("tool", [m.tool_response(call_id=as_text(item.get("call_id")), response=item.get("output"))])
    if kind in _SERVER_TOOLS:
        shown = {key: value for key, value in item.items() if key not in {"id", "type", "result", "status"}}
        parts = [m.tool_call(call_id=as_text(item.get("id")), name=kind.removesuffix("_call"), arguments=shown)]
        if kind == "image_generation_call" and as_text(item.get("result")):
            parts.append(m.blob(mime_type="image/png", content=as_text(item.get("result")), modality="image"))
        return m.message("assistant", parts)
    return m.message("assistant", [m.unknown(clip(kind, 64), item)])


def _content(content: Any) -> list[m.Part]:
    if isinstance(content, str):
        return [m.text(content)] if content else []
    return [_part(as_dict(entry)) for entry in as_list(content)]


def _part(part: dict[str, Any]) -> m.Part:
    kind = as_text(part.get("type"))
    if kind in {"input_text", "output_text", "text"}:
        return m.text(as_text(part.get("text")))
    if kind == "refusal":
        return m.refusal(as_text(part.get("refusal")))
    if kind == "input_image":
        if as_text(part.get("image_url")):
            return m.media(as_text(part.get("image_url")), modality="image")
        return m.file(as_text(part.get("file_id")), modality="image")
    if kind == "input_file":
        if as_text(part.get("file_data")):
            return m.media(as_text(part.get("file_data")), modality="file")
        return m.file(as_text(part.get("file_id")) or as_text(part.get("file_url")))
    if kind == "input_audio":
        audio = as_dict(part.get("input_audio"))
        return m.blob(mime_type="audio", content=as_text(audio.get("data")), modality="audio")
    return m.unknown(clip(kind, 64), part)
