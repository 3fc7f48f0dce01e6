"""The numbers of all workers as one page: each leaves its own in a file once a second, and adds up the others'.

One worker answers a scrape, whichever the kernel chose. Its own numbers are of this moment, the others' at most a
second old. A worker that takes a dead one's place goes on from the counters in its file, so they do not start over;
what a killed worker counted in its last second is missing.
"""

import json
import os
from pathlib import Path

from proxy.metrics import Metrics

__all__ = ["SharedMetrics"]


class SharedMetrics:
    """One worker's page among those of the others; `slot` is -1 for a gateway of one process, which shares nothing."""

    def __init__(self, directory: Path, *, slot: int, own: Metrics) -> None:
        self._directory = directory
        self._slot = slot
        self._own = own
        self._last = b""

    def take_over(self) -> None:
        """Go on from the counters of the worker that had this place before, under the same parent."""
        if self._slot < 0:
            return
        before = self._read(self._page(self._slot))
        if before is not None and before[0] == os.getppid():
            self._own.add(before[1], gauges=False)

    def leave(self) -> None:
        """Write our page, if anything has changed."""
        if self._slot < 0:
            return
        text = json.dumps([os.getppid(), self._own.numbers()]).encode()
        if text == self._last:
            return
        draft = self._page(self._slot).with_suffix(".tmp")
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.write_bytes(text)
        draft.replace(self._page(self._slot))
        self._last = text

    def together(self) -> Metrics:
        """Return the numbers of all workers."""
        if self._slot < 0:
            return self._own
        whole = Metrics()
        whole.add(self._own.numbers(), gauges=True)
        for path in self._directory.glob("*.json"):
            if path != self._page(self._slot):
                found = self._read(path)
                if found is not None and found[0] == os.getppid():  # not of an earlier start
                    whole.add(found[1], gauges=True)
        return whole

    def _page(self, slot: int) -> Path:
        return self._directory / f"{slot}.json"

    @staticmethod
    def _read(path: Path) -> "tuple[int, dict[str, object]] | None":
        try:
            parent, numbers = json.loads(path.read_bytes())
        except (OSError, ValueError, TypeError):
            return None
        return int(parent), numbers
