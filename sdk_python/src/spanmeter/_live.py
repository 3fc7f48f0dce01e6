"""A span while it runs: started, made current, finished exactly once. What public spans, decorators and wrappers share.

Never raises: each step that could is guarded. An exception of the host's is only looked at here.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode, set_span_in_context
from opentelemetry.trace.status import Status

from spanmeter import _attributes as names
from spanmeter._content import as_json, as_text
from spanmeter._context import restore
from spanmeter._guard import guarded
from spanmeter._runtime import Runtime

__all__ = ["Live", "begin"]


class Live:
    """One running span. `context` has it as the current span."""

    __slots__ = ("_before", "_done", "context", "runtime", "span", "started_ns")

    def __init__(
        self, runtime: Runtime, name: str, attributes: Mapping[str, Any] | None, parent: Context | None
    ) -> None:
        self.runtime = runtime
        self.started_ns = runtime.clock()
        around = otel_context.get_current() if parent is None else parent
        self.span: Span = runtime.tracer.start_span(
            name, context=around, attributes=attributes, start_time=self.started_ns
        )
        self.context: Context = set_span_in_context(self.span, around)
        self._before: Context | None = None
        self._done = False

    @property
    def captures(self) -> bool:
        """Whether content is to be recorded here."""
        return self.runtime.settings.capture_content and self.span.is_recording()

    def enter(self) -> None:
        """Make it the current span."""
        self._before = otel_context.get_current()
        otel_context.attach(self.context)

    def leave(self) -> None:
        """Make the one before it the current one again."""
        restore(self.context, self._before)

    @guarded("attribute", None)
    def set(self, key: str, value: Any) -> None:
        """Set an attribute, unless the span has ended."""
        if self.span.is_recording():
            self.span.set_attribute(key, value)

    @guarded("attribute", None)
    def set_all(self, attributes: Mapping[str, Any]) -> None:
        """Set several."""
        if attributes and self.span.is_recording():
            self.span.set_attributes(attributes)

    @guarded("content", None)
    def set_content(self, key: str, value: Any, *, limit: int | None = None, as_is: bool = True) -> None:
        """Record content, cut and masked. `as_is`: text stays text; otherwise it is JSON like everything else."""
        if not self.captures:
            return
        bound = self.runtime.settings.argument_limit if limit is None else limit
        text = as_text(value, bound) if as_is else as_json(value, bound)
        self.put_text(key, text)

    def put_text(self, key: str, text: str) -> None:
        """Record text that is within its bound already. Not guarded: its caller is."""
        self.span.set_attribute(key, text if self.runtime.mask is None else self.masked(text))

    def masked(self, text: str) -> str:
        """Return the text as the host's mask leaves it; when the mask fails, nothing of the text."""
        if self.runtime.mask is None:
            return text
        return _masked(self.runtime.mask, text)

    @guarded("error", None)
    def fail(self, error: BaseException) -> None:
        """Record why it failed. Cancelling is how asyncio ends things: it is named, without a stack."""
        if not self.span.is_recording():
            return
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        self.span.set_attribute(names.ERROR_TYPE, name)
        message = _message(error)
        self.span.set_status(Status(StatusCode.ERROR, message[:1000]))
        if not isinstance(error, asyncio.CancelledError):
            self.span.record_exception(error)

    def failed(self, error: BaseException) -> None:
        """What ran in it raised: leave it, record why, and end it."""
        self.leave()
        self.fail(error)
        self.end()

    @guarded("end", None)
    def end(self) -> None:
        """End it; later calls do nothing."""
        self.close()

    def close(self) -> None:
        """End it. Not guarded: its caller is."""
        if not self._done:
            self._done = True
            self.span.end(end_time=self.runtime.clock())


@guarded("mask", "<not recorded: the mask failed>")
def _masked(mask: Any, text: str) -> str:
    return str(mask(text))


@guarded("error", "")
def _message(error: BaseException) -> str:
    return str(error)


@guarded("start", None)
def begin(
    runtime: Runtime, name: str, attributes: Mapping[str, Any] | None = None, *, parent: Context | None = None
) -> Live | None:
    """Start a span under the current one (or in `parent`), without making it current; None when that failed."""
    return Live(runtime, name, attributes, parent)
