"""Where the tracer provider hands spans over: stamps them when they start, passes them on when they have ended.

One is added to a provider and stays there; what it passes to is whatever is configured now.
"""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from spanmeter._context import stamps
from spanmeter._guard import guarded
from spanmeter._runtime import Sink

__all__ = ["SpanIntake"]


class SpanIntake(SpanProcessor):
    """The only processor of ours."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.exit_timeout = 5.0

    @guarded("stamp", None)
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Say on it who and what it belongs to."""
        if self.sink is not None:
            found = stamps(parent_context)
            if found:
                span.set_attributes(found)

    @guarded("take", None)
    def on_end(self, span: ReadableSpan) -> None:
        """Pass it on, if it was sampled."""
        context = span.context
        if self.sink is not None and context is not None and context.trace_flags.sampled:
            self.sink.take_span(span)

    @guarded("shutdown", None)
    def shutdown(self) -> None:
        """The provider is being ended."""
        if self.sink is not None:
            self.sink.shutdown(self.exit_timeout)

    @guarded("flush", False)
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Deliver what was taken."""
        return self.sink is None or self.sink.flush(timeout_millis / 1000)
