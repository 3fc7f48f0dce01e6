"""Chat-completion chunks put together into the message that they would have been."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_count, as_dict, as_list, as_text
from ingestion.providers.shapes.chat_messages import assistant_message
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.json_events import JsonEvents

__all__ = ["ChatStream"]

MAX_CHOICES = 128
MAX_TOOL_CALLS = 1024
_JOINED = ("content", "reasoning_content", "reasoning", "refusal")


class _Choice:
    __slots__ = ("audio", "calls", "finish_reason", "function", "pieces", "role", "text")

    def __init__(self) -> None:
        self.role = "assistant"
        self.pieces: dict[str, list[str]] = {}
        self.calls: dict[int, dict[str, Any]] = {}
        self.function: dict[str, Any] = {}
        self.audio: list[str] = []
        self.text: list[str] = []
        self.finish_reason = ""


class ChatStream:
    """Reads a whole captured stream; what it holds afterwards is the answer."""

    __slots__ = (
        "_choices",
        "chunks",
        "done",
        "error",
        "extra",
        "first_token_offset",
        "head",
        "notes",
        "usage",
    )

    def __init__(self, body: bytes) -> None:
        self.head: dict[str, Any] = {}  # id, model, service_tier … of the first chunk that says them
        self.extra: dict[str, Any] = {}  # timings, x_groq: the last word
        self.usage: Any = None  # the last usage object, on whichever chunk it came
        self.error: tuple[str, str] = ("", "")
        self.first_token_offset: int | None = None
        self.chunks = 0
        self.notes: list[str] = []
        self._choices: dict[int, _Choice] = {}
        events = JsonEvents(body, last=b"[DONE]")
        for event, value in events:
            self._chunk(value, event.end)
        self.done = events.done  # [DONE] was seen
        if unreadable := events.unreadable:
            self.notes.append(f"{unreadable} of {unreadable + self.chunks} stream events are not JSON objects")

    @property
    def finish_reason(self) -> str:
        """The first choice's reason."""
        return next((choice.finish_reason for _, choice in sorted(self._choices.items())), "")

    @property
    def complete(self) -> bool:
        """Tell whether the model got to its end: every choice has a finish reason, or [DONE] was said."""
        if self.done:
            return True
        return bool(self._choices) and all(choice.finish_reason for choice in self._choices.values())

    def messages(self) -> list[m.Message]:
        """Return one message a choice."""
        found: list[m.Message] = []
        for _, choice in sorted(self._choices.items()):
            said: dict[str, Any] = {key: "".join(pieces) for key, pieces in choice.pieces.items()}
            if choice.text:
                said["content"] = "".join(choice.text)
            if choice.audio:
                said["audio"] = {"transcript": "".join(choice.audio)}
            if choice.calls:
                said["tool_calls"] = [
                    {"id": call["id"], "function": {"name": call["name"], "arguments": "".join(call["arguments"])}}
                    for _, call in sorted(choice.calls.items())
                ]
            if choice.function:
                joined = "".join(choice.function["arguments"])
                said["function_call"] = {"name": choice.function["name"], "arguments": joined}
            found.append(assistant_message(said, finish_reason=choice.finish_reason))
        return found

    def _chunk(self, chunk: dict[str, Any], end: int) -> None:
        self.chunks += 1
        head = self.head
        for key in ("id", "model", "service_tier", "system_fingerprint", "provider"):
            if key not in head and chunk.get(key):
                head[key] = chunk[key]
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
        for key in ("timings", "x_groq"):
            if key in chunk:
                self.extra[key] = chunk[key]
        groq_usage = as_dict(chunk.get("x_groq")).get("usage") if "x_groq" in chunk else None
        if isinstance(groq_usage, dict):
            self.usage = groq_usage
        if "error" in chunk:
            self.error = read_error(chunk)
        for entry in as_list(chunk.get("choices")):
            one = as_dict(entry)
            index = one.get("index")
            number = index if type(index) is int and 0 <= index < MAX_CHOICES else 0
            choice = self._choices.get(number)
            if choice is None:
                choice = self._choices[number] = _Choice()
            if self._delta(choice, one) and self.first_token_offset is None:
                self.first_token_offset = end
            reason = one.get("finish_reason")
            if reason:
                choice.finish_reason = as_text(reason)

    def _delta(self, choice: _Choice, one: dict[str, Any]) -> bool:
        """Add a delta; return whether it carried anything that the model generated."""
        generated = False
        delta = one.get("delta")
        if type(delta) is not dict:
            piece = as_text(one.get("text"))  # legacy completions
            if piece:
                choice.text.append(piece)
            return bool(piece)
        for key in _JOINED:
            words = delta.get(key)
            if words and isinstance(words, str):
                choice.pieces.setdefault(key, []).append(words)
                generated = True
        if isinstance(delta.get("content"), list):  # Mistral's thinking chunks
            generated |= self._typed_content(choice, delta["content"])
        if "tool_calls" in delta:
            for call in as_list(delta["tool_calls"]):
                generated |= self._tool_call(choice, as_dict(call))
        if "function_call" in delta:
            call = as_dict(delta["function_call"])
            held = choice.function or {"name": "", "arguments": []}
            held["name"] += as_text(call.get("name"))
            held["arguments"].append(as_text(call.get("arguments")))
            choice.function = held
            generated = True
        if "audio" in delta:
            transcript = as_text(as_dict(delta["audio"]).get("transcript"))
            if transcript:
                choice.audio.append(transcript)
            generated = True
        return generated

    @staticmethod
    def _typed_content(choice: _Choice, parts: list[Any]) -> bool:
        seen = False
        for entry in parts:
            part = as_dict(entry)
            words = as_text(part.get("text"))
            key = "content"
            if part.get("type") == "thinking":
                key = "reasoning_content"
                words = "".join(as_text(as_dict(thought).get("text")) for thought in as_list(part.get("thinking")))
            if words:
                choice.pieces.setdefault(key, []).append(words)
                seen = True
        return seen

    @staticmethod
    def _tool_call(choice: _Choice, call: dict[str, Any]) -> bool:
        index = as_count(call.get("index"))
        if index is None:  # servers that send whole calls without an index
            index = len(choice.calls)
        held = choice.calls.get(index)
        if held is None:
            if len(choice.calls) >= MAX_TOOL_CALLS:
                return False
            held = choice.calls[index] = {"id": "", "name": "", "arguments": []}
        function = as_dict(call.get("function"))
        held["id"] = held["id"] or as_text(call.get("id"))
        held["name"] = held["name"] or as_text(function.get("name"))
        arguments = as_text(function.get("arguments"))
        if arguments:
            held["arguments"].append(arguments)
        return True
