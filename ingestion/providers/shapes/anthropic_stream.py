"""Anthropic's message events put together into the message that they would have been."""

from typing import Any

from ingestion import messages as m
from ingestion.json_shape import as_count, as_dict, as_text
from ingestion.providers.shapes.anthropic_messages import block_part
from ingestion.providers.shapes.anthropic_usage import merge_usage
from ingestion.providers.shapes.errors import read_error
from ingestion.providers.shapes.json_events import JsonEvents

__all__ = ["MessageStream"]

MAX_BLOCKS = 4096
_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "input"),
}


class _Block:
    __slots__ = ("citations", "pieces", "start")

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.pieces: dict[str, list[str]] = {}
        self.citations: list[Any] = []

    def part(self) -> m.Part:
        block = dict(self.start)
        for member, pieces in self.pieces.items():
            joined = "".join(pieces)
            block[member] = joined if member == "input" else as_text(block.get(member)) + joined
        if self.citations:
            block["citations"] = self.citations
        return block_part(block)


class MessageStream:
    """Reads a whole captured stream; what it holds afterwards is the answer."""

    __slots__ = ("_blocks", "ended", "error", "first_token_offset", "head", "notes", "stop_reason", "usage")

    def __init__(self, body: bytes) -> None:
        self.head: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.stop_reason = ""
        self.error: tuple[str, str] = ("", "")
        self.ended = False  # message_stop, or the message_delta that gives the last usage
        self.first_token_offset: int | None = None
        self._blocks: dict[int, _Block] = {}
        events = JsonEvents(body)
        for event, value in events:
            self._event(as_text(value.get("type")) or event.event, value, event.end)
        self.notes = events.notes

    def parts(self) -> list[m.Part]:
        """Return the content, block by block."""
        return [block.part() for _, block in sorted(self._blocks.items())]

    def _event(self, kind: str, value: dict[str, Any], end: int) -> None:
        if kind == "content_block_delta":
            self._delta(value, end)
        elif kind == "content_block_start":
            index = as_count(value.get("index")) or 0
            if index < MAX_BLOCKS:
                self._blocks[index] = _Block(as_dict(value.get("content_block")))
        elif kind == "message_start":
            self.head = as_dict(value.get("message"))
            self.usage = merge_usage(self.usage, self.head.get("usage"))
        elif kind == "message_delta":
            self.usage = merge_usage(self.usage, value.get("usage"))
            reason = as_text(as_dict(value.get("delta")).get("stop_reason"))
            if reason:
                self.stop_reason = reason
                self.ended = True
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error":
            self.error = read_error(value)

    def _delta(self, value: dict[str, Any], end: int) -> None:
        index = as_count(value.get("index")) or 0
        delta = as_dict(value.get("delta"))
        block = self._blocks.get(index)
        if block is None:
            if index >= MAX_BLOCKS:
                return
            block = self._blocks[index] = _Block({"type": "text"})
        kind = delta.get("type")
        names = _DELTAS.get(kind) if isinstance(kind, str) else None
        if names is not None:
            piece = delta.get(names[0])
            if piece and isinstance(piece, str):
                block.pieces.setdefault(names[1], []).append(piece)
                if self.first_token_offset is None:
                    self.first_token_offset = end
        elif kind == "citations_delta":
            block.citations.append(delta.get("citation"))
