"""The knobs of a request: everything in its body that is neither content nor identity."""

from typing import Any

from ingestion.json_shape import as_dict, as_text, clip

__all__ = ["model_parameters", "served_model", "session_of", "user_of"]

_NOT_KNOBS = frozenset(
    {
        "messages",
        "input",
        "instructions",
        "prompt",
        "suffix",
        "system",
        "tools",
        "functions",
        "model",
        "stream",
        "user",
        "metadata",
        "safety_identifier",
        "conversation",
        "prediction",
        "context_management",
        "mcp_servers",
        "file",
    }
)


def model_parameters(request: dict[str, Any]) -> dict[str, Any]:
    """Return temperature, max_tokens, response_format and the like, as sent."""
    return {key: value for key, value in request.items() if key not in _NOT_KNOBS and value is not None}


def served_model(value: Any) -> str:
    """Return the answer's model. llama.cpp names the file it loaded, path and all: only the file is the model."""
    name = as_text(value)
    if name.endswith(".gguf") and name[:1] == "/":
        name = name.rpartition("/")[2]
    return clip(name)


def user_of(request: dict[str, Any]) -> str:
    """Return the end user that the body names: OpenAI's `user` or `safety_identifier`, Anthropic's metadata.user_id."""
    metadata = request.get("metadata")
    named = as_text(request.get("user")) or as_text(request.get("safety_identifier"))
    return clip(named or as_text(as_dict(metadata).get("user_id")), 512)


def session_of(request: dict[str, Any]) -> str:
    """Return the conversation that the body names, if it does."""
    conversation = request.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    return clip(as_text(conversation), 256)
