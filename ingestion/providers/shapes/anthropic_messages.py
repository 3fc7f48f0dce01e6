"""Anthropic messages (requests and answers, thinking, tools, images, documents) to canonical messages."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_dict, as_list, as_text, clip

__all__ = ["block_part", "content_parts", "request_messages"]

_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


def request_messages(request: dict[str, Any]) -> list[m.Message]:
    """Return the canonical form of `system` and `messages`. A turn that answers tools has the role "tool"."""
    found: list[m.Message] = []
    system = content_parts(request.get("system"))
    if system:
        found.append(m.message("system", system))
    for entry in as_list(request.get("messages")):
        one = as_dict(entry)
        parts = content_parts(one.get("content"))
        role = clip(as_text(one.get("role")), 64) or "user"
        if role == "user" and parts and all(part["type"] == "tool_call_response" for part in parts):
            role = "tool"
        found.append(m.message(role, parts))
    return found


def content_parts(content: Any) -> list[m.Part]:
    """Return the parts of a `content` or `system`: a string, or a list of blocks."""
    if isinstance(content, str):
        return [m.text(content)] if content else []
    return [block_part(as_dict(block)) for block in as_list(content)]


def block_part(block: dict[str, Any]) -> m.Part:
    """Return the canonical part of one content block."""
    kind = as_text(block.get("type"))
    if kind == "text":
        part = m.text(as_text(block.get("text")))
        if block.get("citations"):
            part["citations"] = block["citations"]
        return part
    if kind == "thinking":
        return m.reasoning(as_text(block.get("thinking")))
    if kind == "redacted_thinking":
        return m.reasoning("[redacted by the provider]")
    if kind in _CALLS:
        return m.tool_call(
            call_id=as_text(block.get("id")), name=clip(as_text(block.get("name")), 128), arguments=block.get("input")
        )
    if kind.endswith("tool_result"):
        return m.tool_response(call_id=as_text(block.get("tool_use_id")), response=_result(block.get("content")))
    if kind in {"image", "document"}:
        return _source(as_dict(block.get("source")), modality="image" if kind == "image" else "file")
    return m.unknown(clip(kind, 64), block)


def _result(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    parts = content_parts(content)
    if all(part["type"] == "text" for part in parts):
        return "".join(part["content"] for part in parts)
    return parts


def _source(source: dict[str, Any], *, modality: str) -> m.Part:
    kind = source.get("type")
    if kind == "base64":
        mime_type = clip(as_text(source.get("media_type")), 100)
        return m.blob(mime_type=mime_type, content=as_text(source.get("data")), modality=modality)
    if kind == "url":
        return m.media(as_text(source.get("url")), modality=modality)
    if kind == "file":
        return m.file(as_text(source.get("file_id")), modality=modality)
    if kind == "text":
        return m.text(as_text(source.get("data")))
    return m.unknown(modality, source)
