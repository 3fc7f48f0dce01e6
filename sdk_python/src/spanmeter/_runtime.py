"""What is configured at this moment. One value, replaced whole; None while nothing is to be recorded.

Everything reads `now_recording()` and does nothing when it gets None. Knows no exporter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Tracer

from spanmeter._score import Score
from spanmeter._settings import Settings

__all__ = ["Mask", "Runtime", "Sink", "current", "install"]

Mask = Callable[[str], str]


class Sink(Protocol):
    """Takes what is finished. Must not block and must not raise."""

    def take_span(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""

    def take_score(self, score: Score) -> None:
        """Take a score."""

    def flush(self, timeout: float) -> bool:
        """Deliver what was taken so far; False when some of it is still here at the end of the time."""

    def shutdown(self, timeout: float) -> bool:
        """Flush and stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Settings, the tracer that spans are made with, where finished things go, and the clock (Unix nanoseconds)."""

    settings: Settings
    tracer: Tracer
    sink: Sink
    clock: Callable[[], int]
    mask: Mask | None = None


class _Current:
    """A place for one runtime. Reading an attribute is all that a decorated call pays when nothing is recorded."""

    __slots__ = ("runtime",)

    def __init__(self) -> None:
        self.runtime: Runtime | None = None


current = _Current()


def install(runtime: Runtime | None) -> Runtime | None:
    """Make it the current one and return the one before."""
    before, current.runtime = current.runtime, runtime
    return before
