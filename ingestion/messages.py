"""The canonical message: the JSON shape of the OpenTelemetry GenAI conventions, whatever the provider spoke.

`[{"role": …, "parts": [{"type": "text" | "reasoning" | "refusal" | "tool_call" | "tool_call_response" | "uri" |
"blob" | "file" | …}], "finish_reason": …}]`. Builds and summarises such messages; knows no provider, counts no tokens.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NotRequired, TypedDict

from ingestion.json_shape import dumps, loads

__all__ = [
    "Message",
    "Part",
    "blob",
    "data_url",
    "file",
    "media",
    "message",
    "preview",
    "reasoning",
    "refusal",
    "text",
    "texts",
    "tool_call",
    "tool_response",
    "unknown",
]

Part = dict[str, Any]  # a JSON object with a "type"; the other members depend on it

MAX_BLOB_CHARS = 256 * 1024
PREVIEW_CHARS = 200


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    parts: list[Part]
    finish_reason: NotRequired[str]
    name: NotRequired[str]


def message(role: str, parts: list[Part], *, finish_reason: str = "") -> Message:
    """Return a message; one that did not end has no finish_reason."""
    made: Message = {"role": role or "user", "parts": parts}
    if finish_reason:
        made["finish_reason"] = finish_reason
    return made


def text(content: str) -> Part:
    """Return a text part."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    """Return what the model thought aloud."""
    return {"type": "reasoning", "content": content}


def refusal(content: str) -> Part:
    """Return the model's refusal."""
    return {"type": "refusal", "content": content}


def tool_call(*, call_id: str, name: str, arguments: Any) -> Part:
    """Return a call of a tool; arguments that are JSON text become what they say, cut ones stay text."""
    if isinstance(arguments, str) and arguments[:1] in {"{", "["}:
        value, note = loads(arguments.encode("utf-8", "replace"))
        if not note:
            arguments = value
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def tool_response(*, call_id: str, response: Any) -> Part:
    """Return what a tool answered."""
    return {"type": "tool_call_response", "id": call_id, "response": response}


def blob(*, mime_type: str, content: str, modality: str) -> Part:
    """Return base64 content inline, or past the bound a marker with its size and hash."""
    if len(content) <= MAX_BLOB_CHARS:
        return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": content}
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    return {
        "type": "blob",
        "modality": modality,
        "mime_type": mime_type,
        "omitted": True,
        "size": len(content) * 3 // 4,
        "sha256_base64": digest,
    }


def media(url: str, *, modality: str) -> Part:
    """Return an image, a sound or a file by its URL; a data: URL becomes a blob."""
    if url.startswith("data:"):
        return data_url(url, modality=modality)
    return {"type": "uri", "modality": modality, "uri": url[:8192]}


def data_url(url: str, *, modality: str) -> Part:
    """Return the blob of a data: URL."""
    head, _, content = url[5:].partition(",")
    return blob(mime_type=head.partition(";")[0][:100] or "text/plain", content=content, modality=modality)


def file(file_id: str, *, modality: str = "") -> Part:
    """Return a file that the provider keeps, by its id."""
    return {"type": "file", "modality": modality, "file_id": file_id}


def unknown(kind: str, value: Any) -> Part:
    """Return a part of a kind that has no canonical form, under the provider's own name for it."""
    return {"type": kind or "unknown", "content": value}


def texts(messages: Iterable[Message]) -> Iterable[str]:
    """Yield every piece of text that a model reads or writes in these messages: what a token count counts."""
    for one in messages:
        for part in one["parts"]:
            kind = part.get("type")
            if kind in {"text", "reasoning", "refusal"}:
                yield str(part.get("content") or "")
            elif kind == "tool_call":
                yield str(part.get("name") or "")
                yield _as_text(part.get("arguments"))
            elif kind == "tool_call_response":
                yield _as_text(part.get("response"))


def preview(messages: Sequence[Message], *, role: str = "") -> str:
    """Return the first characters of the last message of that role (of any role, when there is none)."""
    chosen: Message | None = None
    for one in reversed(messages):
        if not role or one["role"] == role:
            chosen = one
            break
    if chosen is None:
        if not messages:
            return ""
        chosen = messages[-1]
    found: list[str] = []
    length = 0
    for part in chosen["parts"]:
        words = " ".join(_part_words(part)[: PREVIEW_CHARS * 4].split())
        if words:
            found.append(words)
            length += len(words) + 1
        if length > PREVIEW_CHARS:
            break
    line = " ".join(found)
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"


def _part_words(part: Part) -> str:
    kind = part.get("type")
    if kind in {"text", "refusal"}:
        return str(part.get("content") or "")
    if kind == "tool_call":
        return f"{part.get('name')}({_as_text(part.get('arguments'))})"
    if kind == "tool_call_response":
        return _as_text(part.get("response"))
    if kind in {"uri", "blob", "file"}:
        return f"[{part.get('modality') or kind}]"
    return ""


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dumps(value)
