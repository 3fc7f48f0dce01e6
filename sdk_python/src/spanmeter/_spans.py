"""`span()` and `generation()`: work that is not one function, measured with `with` or `async with`."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from opentelemetry.trace import INVALID_SPAN, get_current_span

from spanmeter import _attributes as names
from spanmeter._guard import faults, guarded
from spanmeter._live import Live, begin
from spanmeter._messages import as_messages, finish_reasons_of, output_messages
from spanmeter._runtime import current
from spanmeter._usage import cost_attributes, usage_attributes

__all__ = ["CurrentSpan", "Generation", "Span", "current_span", "generation", "span"]


class _Described:
    """What can be said about a span while it runs."""

    __slots__ = ("_kind", "_live")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._live: Live | None = None

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hex digits; '' when nothing is recorded."""
        return format(self._span.get_span_context().trace_id, "032x") if self._live else ""

    @property
    def span_id(self) -> str:
        """The span's id, 16 hex digits; '' when nothing is recorded."""
        return format(self._span.get_span_context().span_id, "016x") if self._live else ""

    @property
    def _span(self) -> Any:
        return self._live.span if self._live else INVALID_SPAN

    def update(
        self,
        *,
        name: str | None = None,
        input: Any = None,  # noqa: A002 - the field's name
        output: Any = None,
        attributes: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        error: str | BaseException | None = None,
    ) -> Self:
        """Say more about it. Nothing happens once it has ended."""
        self._update(name=name, input=input, output=output, attributes=attributes, properties=properties, error=error)
        return self

    @guarded("update", None)
    def _update(
        self,
        *,
        name: str | None,
        input: Any,  # noqa: A002 - the field's name
        output: Any,
        attributes: Mapping[str, Any] | None,
        properties: Mapping[str, Any] | None,
        error: str | BaseException | None,
    ) -> None:
        live = self._live
        if live is None or not live.span.is_recording():
            return
        if name:
            live.span.update_name(name)
        live.set_all(dict(attributes or {}))
        live.set_all({names.PROPERTY_PREFIX + str(key): str(value) for key, value in (properties or {}).items()})
        self._say(live, input=input, output=output)
        if error is not None:
            live.fail(error if isinstance(error, BaseException) else RuntimeError(error))

    def _say(self, live: Live, *, input: Any, output: Any) -> None:  # noqa: A002 - the field's name
        tool = self._kind == "tool"
        if input is not None:
            live.set_content(names.TOOL_ARGUMENTS if tool else names.INPUT, input)
        if output is not None:
            live.set_content(names.TOOL_RESULT if tool else names.OUTPUT, output)


class _Entered(_Described):
    """A span that `with` starts and ends."""

    __slots__ = ("_attributes", "_name", "_said")

    def __init__(self, name: str, *, kind: str, attributes: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        super().__init__(kind)
        self._name = name
        self._attributes = attributes
        self._said = said

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(error)

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(error)

    @guarded("start", None)
    def _start(self) -> None:
        runtime = current.runtime
        if runtime is None:
            return
        self._live = begin(runtime, self._name, self._attributes)
        if self._live is not None:
            self._live.enter()
            self.update(**self._said)

    @guarded("end", None)
    def _stop(self, error: BaseException | None) -> None:
        live = self._live
        if live is None:
            return
        live.leave()
        # A generator that is closed while it is inside the block has not failed.
        if error is not None and not isinstance(error, GeneratorExit):
            live.fail(error)
        live.end()


class Span(_Entered):
    """Any piece of work."""

    __slots__ = ()


class _Generating(_Described):
    """What can be said about a call of a model."""

    __slots__ = ()

    def update(
        self,
        *,
        name: str | None = None,
        input: Any = None,  # noqa: A002 - the field's name
        output: Any = None,
        attributes: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        error: str | BaseException | None = None,
        model: str | None = None,
        response_model: str | None = None,
        provider: str | None = None,
        response_id: str | None = None,
        usage: Any = None,
        cost: Any = None,
        finish_reason: str | Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        system: Any = None,
        tools: Any = None,
    ) -> Self:
        """Say more about it: `usage` is a mapping or the provider's object, `cost` what was charged, in US dollars."""
        self._update(name=name, input=input, output=output, attributes=attributes, properties=properties, error=error)
        self._call(
            {
                names.REQUEST_MODEL: model,
                names.RESPONSE_MODEL: response_model,
                names.PROVIDER: provider,
                names.RESPONSE_ID: response_id,
            },
            parameters=parameters,
            finish_reason=finish_reason,
        )
        self._charge(usage, cost)
        self._content(system, tools)
        return self

    @guarded("update", None)
    def _call(
        self,
        said: Mapping[str, str | None],
        *,
        parameters: Mapping[str, Any] | None,
        finish_reason: str | Sequence[str] | None,
    ) -> None:
        if self._live is None:
            return
        found: dict[str, Any] = {key: str(value) for key, value in said.items() if value is not None}
        for key, value in (parameters or {}).items():
            if isinstance(value, str | bool | int | float):
                found[names.REQUEST_PREFIX + str(key)] = value
        if finish_reason is not None:
            found[names.FINISH_REASONS] = finish_reasons_of(finish_reason)
        self._live.set_all(found)

    @guarded("usage", None)
    def _charge(self, usage: Any, cost: Any) -> None:
        if self._live is None:
            return
        if usage is not None:
            self._live.set_all(usage_attributes(usage))
        if cost is not None:
            self._live.set_all(cost_attributes(cost))

    def _content(self, system: Any, tools: Any) -> None:
        limit = self._live.runtime.settings.content_limit if self._live else 0
        if self._live and system is not None:
            parts = [{"type": "text", "content": system}] if isinstance(system, str) else system
            self._live.set_content(names.SYSTEM_INSTRUCTIONS, parts, limit=limit, as_is=False)
        if self._live and tools is not None:
            self._live.set_content(names.TOOL_DEFINITIONS, tools, limit=limit, as_is=False)

    def _say(self, live: Live, *, input: Any, output: Any) -> None:  # noqa: A002 - the field's name
        if not live.captures:
            return
        limit = live.runtime.settings.content_limit
        if input is not None:
            live.set_content(names.INPUT_MESSAGES, as_messages(input, "user"), limit=limit, as_is=False)
        if output is not None:
            live.set_content(names.OUTPUT_MESSAGES, output_messages(output), limit=limit, as_is=False)

    @guarded("first token", None)
    def first_token(self) -> None:
        """Note that the first piece of the answer is here."""
        if self._live is not None:
            elapsed = self._live.runtime.clock() - self._live.started_ns
            self._live.set(names.TIME_TO_FIRST, elapsed / 1e9)


class Generation(_Generating, _Entered):
    """A call of a model."""

    __slots__ = ()


class CurrentSpan(_Generating):
    """The span that runs now, whoever started it: for saying more about it from inside a decorated function."""

    __slots__ = ()

    def _say(self, live: Live, *, input: Any, output: Any) -> None:  # noqa: A002 - the field's name
        attributes = getattr(live.span, "attributes", None) or {}
        if attributes.get(names.OPERATION) in {"chat", "embeddings", "text_completion", "generate_content"}:
            super()._say(live, input=input, output=output)
        else:
            _Described._say(self, live, input=input, output=output)


def span(
    name: str,
    *,
    kind: str = "span",
    input: Any = None,  # noqa: A002 - the field's name
    attributes: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> Span:
    """Measure the block: `with span("search", kind="retriever") as found: …; found.update(output=…)`."""
    said = {"input": input, "properties": properties}
    return Span(name, kind=kind, attributes={**kind_attributes(kind, name), **(attributes or {})}, said=said)


def generation(
    name: str | None = None,
    *,
    model: str | None = None,
    provider: str | None = None,
    input: Any = None,  # noqa: A002 - the field's name
    operation: str = "chat",
    system: Any = None,
    tools: Any = None,
    parameters: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> Generation:
    """Measure a call of a model; say its answer, usage and cost with `update()` as they become known."""
    shown = name or f"{operation} {model}" if model else name or operation
    said = {
        "input": input,
        "model": model,
        "provider": provider,
        "system": system,
        "tools": tools,
        "parameters": parameters,
        "properties": properties,
    }
    return Generation(shown, kind="llm", attributes={names.OPERATION: operation, **(attributes or {})}, said=said)


def kind_attributes(kind: str, name: str) -> dict[str, Any]:
    """Return what a kind of span says of itself; an unknown kind is a plain span, and is told."""
    operation = names.OPERATIONS.get(kind)
    if operation is None:
        faults.note("kind", f"{kind!r} is no kind of span: expected {', '.join(names.KINDS)}")
        return {}
    if not operation:
        return {}
    named = {"tool": names.TOOL_NAME, "agent": names.AGENT_NAME, "workflow": names.WORKFLOW_NAME}.get(kind)
    return {names.OPERATION: operation, **({named: name} if named else {})}


class _Borrowed(Live):
    """Somebody else's running span, so that the same words can be said about it."""

    __slots__ = ()

    def __init__(self, runtime: Any, borrowed: Any) -> None:
        self.runtime = runtime
        self.span = borrowed
        self.started_ns = getattr(borrowed, "start_time", None) or runtime.clock()
        self._done = True


def current_span() -> CurrentSpan:
    """Return the span that runs now; when there is none, one that takes everything and records nothing."""
    found = CurrentSpan("span")
    runtime = current.runtime
    running = get_current_span()
    if runtime is not None and running.is_recording():
        found._live = _Borrowed(runtime, running)
    return found
