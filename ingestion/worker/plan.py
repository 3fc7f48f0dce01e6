"""A batch before it is inserted: which range of which segment, and every decision that a replay must repeat.

A plan is on disk before the first row of its batch is in the store. Whoever finds it there carries it out again: the
same range, the same decisions, so the same rows under the same tokens, which the store then ignores. Pure.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FINAL", "Exclusion", "Piece", "Plan"]

FINAL = -1  # `start` and `end` of the batch that ends a dead writer: its open exchanges, no range of bytes
_VERSION = 1

Piece = tuple[int, int]  # from, to: places in the list of a batch's exchanges or bodies


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A frame that is accepted and not written: what goes to `drops` instead."""

    reason: str
    records: int
    detail: str = ""


@dataclass(slots=True)
class Plan:
    """One batch. `excluded` and `malformed` are keyed by the position of a frame."""

    writer: str
    segment: int
    start: int
    end: int
    excluded: dict[int, Exclusion] = field(default_factory=dict)
    malformed: dict[int, int] = field(default_factory=dict)  # spans of a body that cannot be rows
    spans: dict[int, int] = field(default_factory=dict)  # spans of a body
    pieces: dict[str, list[Piece]] = field(
        default_factory=dict
    )  # when the store refused the whole: what is inserted apart
    refused: dict[str, dict[int, str]] = field(
        default_factory=dict
    )  # places that the store refuses by themselves, and why

    @property
    def name(self) -> str:
        """The batch's name, of which its tokens and its id are made."""
        if self.start == FINAL:
            return f"{self.writer}/final"
        return f"{self.writer}/{self.segment}/{self.start}-{self.end}"

    @property
    def batch_id(self) -> int:
        """8 bytes of a hash of the name: what every row of the batch carries."""
        return int.from_bytes(hashlib.blake2b(self.name.encode(), digest_size=8).digest(), "little")

    def token(self, table: str, piece: Piece | None = None) -> str:
        """Return the deduplication token of one insert."""
        return f"{self.name}/{table}" + (f"/{piece[0]}-{piece[1]}" if piece else "")

    def split(self, part: str, piece: Piece, why: str) -> None:
        """Note that the store refused a piece: halves take its place, a single record is given up."""
        pieces = self.pieces[part]
        at = pieces.index(piece)
        first, last = piece
        if last - first <= 1:
            pieces[at : at + 1] = []
            self.refused.setdefault(part, {})[first] = why
        else:
            middle = (first + last) // 2
            pieces[at : at + 1] = [(first, middle), (middle, last)]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            "version": _VERSION,
            "writer": self.writer,
            "segment": self.segment,
            "start": self.start,
            "end": self.end,
            "excluded": {str(at): [x.reason, x.records, x.detail] for at, x in self.excluded.items()},
            "malformed": {str(at): count for at, count in self.malformed.items()},
            "spans": {str(at): count for at, count in self.spans.items()},
            "pieces": self.pieces,
            "refused": {part: {str(at): why for at, why in places.items()} for part, places in self.refused.items()},
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Plan":
        """Return the plan that `to_json` gave."""
        if value["version"] != _VERSION:
            raise ValueError(f"a plan of version {value['version']}; this program knows version {_VERSION}")
        return cls(
            writer=value["writer"],
            segment=value["segment"],
            start=value["start"],
            end=value["end"],
            excluded={int(at): Exclusion(*x) for at, x in value["excluded"].items()},
            malformed={int(at): count for at, count in value["malformed"].items()},
            spans={int(at): count for at, count in value["spans"].items()},
            pieces={part: [(piece[0], piece[1]) for piece in pieces] for part, pieces in value["pieces"].items()},
            refused={p: {int(at): why for at, why in places.items()} for p, places in value["refused"].items()},
        )
