"""One line of progress on a terminal; a line a step where the output is not one. Pure but for printing."""

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

WIDTH = 28


class Progress:
    """Counts steps and says what runs."""

    def __init__(self, total: int, *, out: TextIO = sys.stdout) -> None:
        self._total = total
        self._done = 0
        self._out = out
        self._began = time.monotonic()
        self._live = out.isatty()

    def show(self, what: str) -> None:
        """Say what runs now."""
        if self._live:
            print(f"\r\x1b[2K{self.line(what)}", end="", file=self._out, flush=True)

    def step(self, what: str) -> None:
        """Count one step as done."""
        self._done += 1
        if self._live:
            self.show(what)
        else:
            print(self.line(what), file=self._out, flush=True)

    def line(self, what: str) -> str:
        """Return the bar as text."""
        filled = WIDTH * self._done // max(1, self._total)
        bar = "█" * filled + "·" * (WIDTH - filled)
        return f"  {bar} {self._done}/{self._total}  {time.monotonic() - self._began:4.0f} s  {what}"

    def close(self) -> None:
        """End the line."""
        if self._live:
            print("\r\x1b[2K", end="", file=self._out, flush=True)
