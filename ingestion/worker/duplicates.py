"""Which OTLP bodies came before. An exporter that timed out sends the same bytes again; they count once.

A body is the same when its project and its hash are the same and at most a day lies between the two. The first
position wins, so a batch that is carried out twice does not take itself for its own duplicate. Bounded: when full,
the oldest are forgotten, and what they were duplicates of is then written twice rather than lost.
"""

from collections import OrderedDict
from collections.abc import Iterable

__all__ = ["Duplicates"]

_WINDOW_NS = 24 * 3600 * 1_000_000_000
_MOST = 1_000_000


class Duplicates:
    """Hashes of the last day, in memory."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._seen: OrderedDict[tuple[int, bytes], tuple[str, int]] = OrderedDict()
        self.most = most

    def load(self, known: Iterable[tuple[int, bytes, str, int]]) -> None:
        """Take up what was accepted before: project, hash, position, time; in any order."""
        for project_id, body_hash, position, received_ns in sorted(known, key=lambda row: row[3]):
            self.remember(project_id, body_hash, position, received_ns)

    def first(self, project_id: int, body_hash: bytes, position: str, received_ns: int) -> str | None:
        """Return where the same body came before, or None when this is its first time (or its own position)."""
        if not body_hash:
            return None
        seen = self._seen.get((project_id, body_hash))
        if seen is None or seen[0] == position or received_ns - seen[1] > _WINDOW_NS:
            return None
        return seen[0]

    def remember(self, project_id: int, body_hash: bytes, position: str, received_ns: int) -> None:
        """Note a body that is being accepted."""
        if not body_hash:
            return
        key = (project_id, body_hash)
        self._seen[key] = (position, received_ns)
        self._seen.move_to_end(key)
        while len(self._seen) > self.most:
            self._seen.popitem(last=False)
