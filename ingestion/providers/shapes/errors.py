"""What a provider says when it refuses: the error shapes seen in the wild, to (type, message)."""

from typing import Any

from ingestion.json_shape import as_text, clip, dumps

__all__ = ["read_error"]

MESSAGE_CHARS = 2000


def read_error(body: Any) -> tuple[str, str]:
    """Return (type, message) of an error body; both empty when there is no error in it.

    OpenAI: {"error": {"type", "code", "message"}}; Anthropic the same inside {"type": "error"}; others put a string
    into `error`, `detail` or `message`.
    """
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error")
    if isinstance(error, dict):
        kind = as_text(error.get("type")) or _word(error.get("code")) or as_text(error.get("status"))
        message = as_text(error.get("message")) or as_text(error.get("detail")) or dumps(error)
        code = _word(error.get("code"))
        if kind in {"", "invalid_request_error"} and code and not code.isdigit():
            kind = code  # "context_length_exceeded" tells more than "invalid_request_error"
        return clip(kind or "error", 128), clip(message, MESSAGE_CHARS)
    if isinstance(error, str) and error:
        return "error", clip(error, MESSAGE_CHARS)
    for key in ("detail", "message"):
        found = body.get(key)
        if found and body.get("object") in {None, "error"}:
            kind = as_text(body.get("type")) or _word(body.get("code")) or "error"
            return clip(kind, 128), clip(found if isinstance(found, str) else dumps(found), MESSAGE_CHARS)
    return "", ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int) else ""
