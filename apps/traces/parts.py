"""One piece of a message, of any dialect → a Part. Pure; the only place that decides which pictures a page may show.

A picture is shown only when its bytes are in the record (never fetched), it is a bitmap, and it is small enough; else
it is a link or a note.
"""

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["FOLD_CHARACTERS", "Part", "parts_of", "text_part", "tool_call_part"]

FOLD_CHARACTERS = 2_400
_FOLD_LINES = 40
_IMAGE_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_IMAGE_LIMIT = 2_000_000
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@dataclass(frozen=True, slots=True)
class Part:
    """`kind` is text, json, reasoning, refusal, tool_call, tool_result, image, link or media."""

    kind: str
    text: str = ""
    name: str = ""
    call_id: str = ""
    href: str = ""
    note: str = ""
    is_error: bool = False

    @property
    def head(self) -> str:
        """The beginning, when the text is long enough to be folded; else nothing."""
        if len(self.text) <= FOLD_CHARACTERS and self.text.count("\n") <= _FOLD_LINES:
            return ""
        return "\n".join(self.text[: FOLD_CHARACTERS // 2].split("\n")[: _FOLD_LINES // 2])


def text_part(text: str) -> Part:
    """Words; JSON objects and arrays as JSON."""
    if text.lstrip()[:1] in ("{", "[") and len(text) < 200_000:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return Part(kind="text", text=text)
        return Part(kind="json", text=text)
    return Part(kind="text", text=text)


def parts_of(content: Any) -> tuple[Part, ...]:
    """The parts of a message's content, whatever its shape."""
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (text_part(content),)
    if isinstance(content, list) and all(isinstance(item, dict | str) for item in content):
        return tuple(part for item in content for part in _item(item))
    if isinstance(content, dict):
        return _item(content)
    return (_json(content),)


def tool_call_part(call: Any) -> Part:
    """A call in the shape of chat completions, or anything near it."""
    if not isinstance(call, dict):
        return _json(call)
    inner = call.get("function")
    function: dict[str, Any] = inner if isinstance(inner, dict) else call
    arguments = function.get("arguments", function.get("input"))
    return Part(
        kind="tool_call",
        name=str(function.get("name") or "unnamed tool"),
        call_id=str(call.get("call_id") or call.get("id") or ""),
        text=arguments if isinstance(arguments, str) else _dump(arguments) if arguments is not None else "",
    )


def _item(item: dict[str, Any] | str) -> tuple[Part, ...]:
    if isinstance(item, str):
        return (text_part(item),)
    kind = str(item.get("type") or "")
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(item)
    for key in ("text", "content"):
        if not kind and isinstance(item.get(key), str) and len(item) == 1:
            return (text_part(item[key]),)
    return (Part(kind="json", text=_dump(item), name=kind),)


def _text(item: dict[str, Any]) -> tuple[Part, ...]:
    text = item.get("text", item.get("content"))
    if isinstance(text, dict):
        text = text.get("value")
    return (text_part(text),) if isinstance(text, str) else (_json(item),)


def _reasoning(item: dict[str, Any]) -> tuple[Part, ...]:
    text = item.get("thinking", item.get("text", item.get("content")))
    if not isinstance(text, str):
        pieces = [*(item.get("summary") or ()), *(item.get("content") or ())]
        text = "\n\n".join(str(piece.get("text", "")) for piece in pieces if isinstance(piece, dict))
    if not text:
        return (Part(kind="reasoning", note="The provider kept the reasoning to itself."),)
    return (Part(kind="reasoning", text=text),)


def _tool_call(item: dict[str, Any]) -> tuple[Part, ...]:
    return (tool_call_part(item),)


def _tool_result(item: dict[str, Any]) -> tuple[Part, ...]:
    value = next((item[key] for key in ("content", "output", "response", "result") if item.get(key) is not None), "")
    call_id = str(item.get("tool_use_id") or item.get("call_id") or item.get("id") or "")
    failed = bool(item.get("is_error"))
    inner = parts_of(value)
    words = [part.text for part in inner if part.kind in {"text", "json"}]
    others = tuple(part for part in inner if part.kind not in {"text", "json"})
    return (Part(kind="tool_result", text="\n".join(words), call_id=call_id, is_error=failed), *others)


def _refusal(item: dict[str, Any]) -> tuple[Part, ...]:
    return (Part(kind="refusal", text=str(item.get("refusal") or item.get("content") or "")),)


def _image(item: dict[str, Any]) -> tuple[Part, ...]:
    place = item.get("image_url")
    if isinstance(place, dict):
        place = place.get("url")
    source = item.get("source")
    if isinstance(source, dict):
        place = source.get("url") or f"data:{source.get('media_type', '')};base64,{source.get('data', '')}"
    return (_picture(place) if isinstance(place, str) else _json(item),)


def _blob(item: dict[str, Any]) -> tuple[Part, ...]:
    mime = str(item.get("mime_type") or "")
    if item.get("omitted"):
        size = item.get("size")
        return (
            Part(
                kind="media",
                name=mime or "binary",
                note=f"{size / 1000:,.0f} kB, too large to keep" if isinstance(size, int) else "too large to keep",
            ),
        )
    content = item.get("content", item.get("data"))
    if mime.startswith("image/") and isinstance(content, str):
        return (_picture(f"data:{mime};base64,{content}"),)
    return (Part(kind="media", name=mime or "binary", note=_size(content)),)


def _place(item: dict[str, Any]) -> tuple[Part, ...]:
    return (_link(str(item.get("uri") or item.get("file_id") or "")),)


def _media(item: dict[str, Any]) -> tuple[Part, ...]:
    if item.get("file_id"):
        return (Part(kind="media", name=str(item.get("modality") or "file"), note=str(item["file_id"])[:200]),)
    inner = next(
        (item[key] for key in ("input_audio", "audio", "file", "source") if isinstance(item.get(key), dict)), item
    )
    name = (
        inner.get("filename") or inner.get("format") or inner.get("media_type") or item.get("title") or item.get("type")
    )
    content = inner.get("data", inner.get("file_data"))
    return (Part(kind="media", name=str(name), note=_size(content), text=str(inner.get("transcript") or "")),)


def _picture(place: str) -> Part:
    if not place.startswith("data:"):
        return _link(place)
    head, _, body = place[5:].partition(",")
    mime = head.split(";")[0].lower()
    if mime not in _IMAGE_TYPES or not head.endswith(";base64"):
        return Part(kind="media", name=mime or "image", note="not shown: only PNG, JPEG, GIF and WebP are")
    if len(body) > _IMAGE_LIMIT:
        return Part(kind="media", name=mime, note=f"not shown: {_size(body)} is more than a page should carry")
    if not body or not _BASE64.issuperset(body):
        return Part(kind="media", name=mime, note="not shown: its data is broken")
    return Part(kind="image", href=f"data:{mime};base64,{body}", name=mime, note=_size(body))


def _link(place: str) -> Part:
    if place.startswith(("https://", "http://")) and len(place) < 4_000:
        return Part(kind="link", href=place, text=place, note="not fetched: it lies on another server")
    return Part(kind="media", name="reference", note=place[:500])


def _size(base64_text: Any) -> str:
    return f"{len(base64_text) * 3 // 4 / 1000:,.1f} kB" if isinstance(base64_text, str) and base64_text else ""


def _json(value: Any) -> Part:
    return Part(kind="json", text=_dump(value))


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_READERS = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text", "message"), _text),
    **dict.fromkeys(("reasoning", "thinking", "redacted_thinking"), _reasoning),
    **dict.fromkeys(
        ("tool_use", "tool_call", "function_call", "custom_tool_call", "server_tool_use", "function"), _tool_call
    ),
    **dict.fromkeys(
        (
            "tool_result",
            "tool_call_response",
            "function_call_output",
            "custom_tool_call_output",
            "web_search_tool_result",
        ),
        _tool_result,
    ),
    **dict.fromkeys(("image_url", "input_image", "image"), _image),
    **dict.fromkeys(("input_audio", "audio", "file", "input_file", "document"), _media),
    "refusal": _refusal,
    "blob": _blob,
    "uri": _place,
    "file_ref": _place,
}
