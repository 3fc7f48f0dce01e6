"""Reading what a span stores: canonical message JSON, JSON of other shapes, or plain text. Pure.

`answer_of` is the text that offsets in highlights count in: the text parts of the output's messages, two line breaks
between them. Reasoning, tool calls and media are no part of the answer; refusals are.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.evals.evaluators.base import Subject

__all__ = [
    "WHERE",
    "Turn",
    "answer_of",
    "content_refused",
    "context_of",
    "documents_of",
    "given_of",
    "question_of",
    "text_at",
    "turns_of",
]

WHERE = ("output", "question", "input")

_MOST_JSON = 8_000_000
_WORDS = {"text", "input_text", "output_text", "refusal"}
_RESULTS = {"tool_call_response", "tool_result", "function_call_output"}
_DOCUMENT_NAMES = {
    "content", "text", "page_content", "pageContent", "document", "documents", "document.content", "body", "snippet",
    "passage", "chunk", "title", "results", "matches", "nodes", "data",
}  # fmt: skip
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: who spoke, what was said, and what tools returned; whether the provider calls it a refusal."""

    role: str
    text: str
    results: tuple[str, ...] = ()
    refused: bool = False


def turns_of(text: str, *, role: str) -> tuple[Turn, ...]:
    """Return the messages of a stored text; plain text is one message of `role`."""
    if text.lstrip()[:1] not in {"[", "{"} or len(text) > _MOST_JSON:
        return (Turn(role, text),) if text.strip() else ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return (Turn(role, text),)
    items = value.get("messages", value) if isinstance(value, dict) else value
    items = items if isinstance(items, list) else [items]
    if not items or not all(isinstance(item, dict) and _is_message(item) for item in items):
        return (Turn(role, text),)
    return tuple(_turn(item, role) for item in items)


def answer_of(output: str) -> str:
    """Return what was answered, as text."""
    return _GAP.join(turn.text for turn in turns_of(output, role="assistant") if turn.text)


def content_refused(output: str) -> bool:
    """Tell whether the provider itself marked the answer as refused or held back by its filter."""
    if output.lstrip()[:1] not in {"[", "{"} or not any(word in output for word in ("refusal", "content_filter")):
        return False
    return any(turn.refused for turn in turns_of(output, role="assistant"))


def question_of(text: str) -> str:
    """Return what was asked last, as text."""
    asked = [turn.text for turn in turns_of(text, role="user") if turn.role == "user" and turn.text]
    return asked[-1] if asked else ""


def context_of(text: str) -> tuple[str, ...]:
    """Return what the model was given beside the question: system and earlier turns, and what tools returned."""
    turns = turns_of(text, role="user")
    last = max((at for at, turn in enumerate(turns) if turn.role == "user" and turn.text), default=-1)
    found: list[str] = []
    for at, turn in enumerate(turns):
        if turn.text and at != last:
            found.append(turn.text)
        found += turn.results
    return tuple(found)


def given_of(text: str) -> str:
    """Return all that the model was given: every turn and what tools returned."""
    pieces = [piece for turn in turns_of(text, role="user") for piece in (turn.text, *turn.results)]
    return _GAP.join(filter(None, pieces))


def documents_of(text: str) -> tuple[str, ...]:
    """Return the texts of a retrieval's output: of each document, whatever library wrote it; plain text is one."""
    if text.lstrip()[:1] not in {"[", "{"} or len(text) > _MOST_JSON:
        return (text,) if text.strip() else ()
    try:
        value = json.loads(text)
        found = tuple(one for one in _document_texts(value, named=True) if one.strip())
    except (ValueError, RecursionError):
        return (text,)
    return found or (text,)


def text_at(subject: Subject, where: str) -> str:
    """Return the answer (`output`), the last question (`question`), or all that was given (`input`)."""
    if where == "output":
        return answer_of(subject.output)
    return question_of(subject.input) if where == "question" else given_of(subject.input)


def _is_message(item: dict[str, Any]) -> bool:
    return isinstance(item.get("role"), str) and ("parts" in item or "content" in item or "tool_calls" in item)


def _turn(item: dict[str, Any], role: str) -> Turn:
    said: list[str] = []
    results: list[str] = []
    speaker = str(item.get("role") or role)
    content = item["parts"] if isinstance(item.get("parts"), list) else item.get("content")
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        _part(part, said, results)
    refused = item.get("finish_reason") in {"content_filter", "refusal"}
    refused |= any(isinstance(part, dict) and part.get("type") == "refusal" for part in parts)
    if isinstance(item.get("refusal"), str) and item["refusal"]:
        said.append(item["refusal"])
        refused = True
    if speaker in {"tool", "function"}:
        results, said = [*results, *said], []
    return Turn(speaker, _GAP.join(filter(None, said)), tuple(filter(None, results)), refused)


def _part(part: Any, said: list[str], results: list[str]) -> None:
    if isinstance(part, str):
        said.append(part)
    elif isinstance(part, dict):
        kind = part.get("type", "text")
        if kind in _WORDS:
            words = next((part[key] for key in ("content", "text", "refusal") if isinstance(part.get(key), str)), "")
            said.append(words)
        elif kind in _RESULTS:
            value = next((part[key] for key in ("response", "content", "output", "result") if key in part), "")
            results.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _document_texts(value: Any, *, named: bool) -> Iterator[str]:
    """Yield the texts below a value: list items, and members whose names libraries give to a document's text."""
    if isinstance(value, str):
        if named:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _document_texts(item, named=named)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _document_texts(inner, named=name in _DOCUMENT_NAMES)
