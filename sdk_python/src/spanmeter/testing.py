"""For tests of programs that are observed: what was recorded, in memory, with ids that count and a clock that steps.

    def test_it(spanmeter_recording):          # with `pytest_plugins = ["spanmeter.testing"]` in conftest.py
        answer("Hello")
        assert spanmeter_recording.one("answer").attributes["spanmeter.output"] == "…"

Without pytest: `with recording() as recorded: …`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from spanmeter._intake import SpanIntake
from spanmeter._runtime import Mask, Runtime, install
from spanmeter._score import Score
from spanmeter._settings import read_settings

__all__ = ["RecordedSpan", "Recording", "SteppingClock", "recording"]


class SteppingClock:
    """Nanoseconds; each look is one step later. `advance` moves it by seconds."""

    def __init__(self, *, start_ns: int = 1_790_000_000_000_000_000, step_ns: int = 1_000_000_000) -> None:
        self.now_ns = start_ns
        self.step_ns = step_ns

    def __call__(self) -> int:
        """Return the time."""
        self.now_ns += self.step_ns
        return self.now_ns

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * 1e9)


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """A span that has ended."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    attributes: Mapping[str, Any]
    status: str  # UNSET, OK or ERROR
    message: str
    start_ns: int
    end_ns: int
    events: tuple[str, ...]


@dataclass
class Recording:
    """What was recorded so far, in the order in which it ended."""

    clock: Callable[[], int]
    ended: list[ReadableSpan] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)

    @property
    def spans(self) -> list[RecordedSpan]:
        """The spans."""
        return [_recorded(span) for span in self.ended]

    def one(self, name: str) -> RecordedSpan:
        """Return the only span of that name; raises AssertionError that says which there are."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} spans are named {name!r}; there are {[s.name for s in self.spans]}")
        return found[0]

    def children(self, parent: RecordedSpan) -> list[RecordedSpan]:
        """Return the spans directly under one."""
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def clear(self) -> None:
        """Forget what was recorded."""
        self.ended.clear()
        self.scores.clear()

    def take_span(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        self.ended.append(span)

    def take_score(self, score: Score) -> None:
        """Take a score."""
        self.scores.append(score)

    def flush(self, timeout: float) -> bool:
        """Everything is here already."""
        return True

    def shutdown(self, timeout: float) -> bool:
        """Nothing runs."""
        return True


class _Counting(IdGenerator):
    """Ids that count from 1."""

    def __init__(self) -> None:
        self._traces = 0
        self._spans = 0

    def generate_trace_id(self) -> int:
        self._traces += 1
        return self._traces

    def generate_span_id(self) -> int:
        self._spans += 1
        return self._spans


@contextmanager
def recording(
    *, clock: Callable[[], int] | None = None, mask: Mask | None = None, **settings: Any
) -> Iterator[Recording]:
    """Record into memory while the block runs, whatever is configured otherwise. The environment is not looked at."""
    ticks = clock or SteppingClock()
    recorded = Recording(ticks)
    intake = SpanIntake()
    provider = TracerProvider(id_generator=_Counting(), sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(intake)
    chosen = read_settings({"api_key": "sm-sk-testing", "spool_directory": Path("off"), **settings}, {})
    tracer = provider.get_tracer("spanmeter")
    intake.sink = recorded
    before = install(Runtime(settings=chosen, tracer=tracer, sink=recorded, clock=ticks, mask=mask))
    try:
        yield recorded
    finally:
        install(before)
        intake.sink = None


def _recorded(span: ReadableSpan) -> RecordedSpan:
    context = span.get_span_context()
    if context is None:
        raise AssertionError(f"span {span.name!r} has no context")
    return RecordedSpan(
        name=span.name,
        trace_id=format(context.trace_id, "032x"),
        span_id=format(context.span_id, "016x"),
        parent_id=format(span.parent.span_id, "016x") if span.parent else None,
        attributes=dict(span.attributes or {}),
        status=span.status.status_code.name,
        message=span.status.description or "",
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        events=tuple(event.name for event in span.events),
    )


try:
    import pytest
except ImportError:  # a program that uses recording() without pytest
    pass
else:

    @pytest.fixture
    def spanmeter_recording() -> Iterator[Recording]:
        """What was recorded during the test."""
        with recording() as recorded:
            yield recorded
