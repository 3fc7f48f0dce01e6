"""What was said in one span: stored input and output → messages of typed parts. Pure, and forgiving: what is not
understood is shown as it is.

Knows the shapes of chat completions, Responses, Anthropic messages and OpenTelemetry parts; never touches the network,
never builds HTML.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from apps.traces.parts import Part, parts_of, text_part, tool_call_part

__all__ = ["Conversation", "Message", "read_conversation"]

_ROLES = {"developer": "system", "model": "assistant", "human": "user", "ai": "assistant", "function": "tool"}
_MOST_MESSAGES = 500
_ITEM_ROLES = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "reasoning": "assistant",
    "web_search_call": "assistant",
    "file_search_call": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `role` is system, user, assistant, tool, or whatever else was written; `said` is input or output."""

    role: str
    parts: tuple[Part, ...]
    said: str
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """All turns of a span.

    `hidden` earlier turns were left out to keep the page quick; `problem` says what could not be read.
    """

    messages: tuple[Message, ...] = ()
    hidden: int = 0
    problem: str = ""


def read_conversation(input_text: str, output_text: str, *, chat: bool = True) -> Conversation:
    """Read both sides of a span.

    `chat` false (a tool, a chain): plain values are shown as values, not as somebody's words.
    """
    problems: list[str] = []
    messages: list[Message] = []
    for said, text in (("input", input_text), ("output", output_text)):
        if not text.strip():
            continue
        value, problem = _load(text)
        if problem:
            problems.append(f"The {said} {problem}")
        default = ("user" if said == "input" else "assistant") if chat else said
        messages += [replace(message, said=said) for message in _messages(value, default)]
    hidden = max(0, len(messages) - _MOST_MESSAGES)
    return Conversation(messages=tuple(messages[hidden:]), hidden=hidden, problem=" ".join(problems))


def _load(text: str) -> tuple[Any, str]:
    if text.lstrip()[:1] not in tuple('{["'):
        return text, ""
    try:
        return json.loads(text), ""
    except ValueError as error:
        if text.lstrip()[0] == "[" or text.lstrip()[:2] in {'{"', "{\n", "{ "}:
            return text, f"looks like JSON and is not ({error}); it is shown as it came."
        return text, ""
    except RecursionError:
        return text, "is nested too deeply to read; it is shown as it came."


def _messages(value: Any, default: str) -> Iterator[Message]:
    if isinstance(value, dict):
        yield from _from_object(value, default)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value) and _speaks(value[0]):
        for item in value:
            yield from _from_object(item, default)
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield Message(role=default, parts=tuple(text_part(item) for item in value), said="")
    elif value not in (None, "", []):
        yield Message(role=default, parts=parts_of(value), said="")


def _speaks(item: dict[str, Any]) -> bool:
    return "role" in item or "type" in item or "message" in item


def _from_object(value: dict[str, Any], default: str) -> Iterator[Message]:
    """One dict: a request, a response, or a message."""
    if isinstance(value.get("messages"), list):
        yield from _system(value.get("system"))
        yield from _messages(value["messages"], default)
    elif isinstance(value.get("choices"), list):
        for choice in value["choices"]:
            if isinstance(choice, dict):
                message = choice.get("message", choice.get("delta"))
                yield from (
                    _from_object(message, "assistant")
                    if isinstance(message, dict)
                    else _messages(choice.get("text"), "assistant")
                )
    elif "role" not in value and isinstance(value.get("output"), list):
        yield from _messages(value["output"], "assistant")
    elif "role" not in value and "input" in value and ("model" in value or "instructions" in value):
        yield from _system(value.get("instructions"))
        yield from _messages(value["input"], default)
    elif isinstance(value.get("error"), dict) and "role" not in value:
        yield Message(role="error", parts=parts_of(value["error"]), said="")
    else:
        yield _message(value, default)


def _system(value: Any) -> Iterator[Message]:
    if value:
        yield Message(role="system", parts=parts_of(value), said="")


def _message(value: dict[str, Any], default: str) -> Message:
    role = value.get("role")
    if not isinstance(role, str) or not role:
        role = _ITEM_ROLES.get(str(value.get("type")), default)
        return Message(role=role, parts=parts_of(value), said="")
    parts: list[Part] = []
    for key in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(value.get(key), str) and value[key]:
            parts.append(Part(kind="reasoning", text=value[key]))
            break
    call_id = value.get("tool_call_id")
    content = value.get("parts") if value.get("content") is None else value["content"]
    if role in {"tool", "function"} and not isinstance(value.get("parts"), list):
        parts += [
            replace(part, kind="tool_result", call_id=str(call_id or "")) if part.kind in {"text", "json"} else part
            for part in parts_of(content)
        ]
    else:
        parts += parts_of(content)
    if isinstance(value.get("refusal"), str) and value["refusal"]:
        parts.append(Part(kind="refusal", text=value["refusal"]))
    calls = value.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        parts.append(tool_call_part(call))
    if isinstance(value.get("function_call"), dict):
        parts.append(tool_call_part({"function": value["function_call"]}))
    name = value.get("name")
    finish = value.get("finish_reason")
    return Message(
        role=_ROLES.get(role, role),
        parts=tuple(parts),
        said="",
        name=name if isinstance(name, str) else "",
        note=finish if isinstance(finish, str) and finish not in {"stop", "end_turn"} else "",
    )
