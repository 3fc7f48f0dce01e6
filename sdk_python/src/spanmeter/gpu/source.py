"""What a source is: something that is asked for points now and then. Knows no OTLP, no clock and no network."""

from collections.abc import Sequence
from typing import Protocol

from spanmeter.gpu.point import Point

__all__ = ["Source", "SourceFailed"]


class SourceFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """Nothing could be read from this source now; the message says what to look at."""


class Source(Protocol):
    """One thing to watch."""

    @property
    def name(self) -> str:
        """The source's kind, as the command line names it."""

    @property
    def place(self) -> str:
        """What exactly is read: `local` for this host's GPUs, an address otherwise. Locked with the name."""

    def read(self) -> Sequence[Point]:
        """Return what can be read now. Raises SourceFailed when nothing can."""
