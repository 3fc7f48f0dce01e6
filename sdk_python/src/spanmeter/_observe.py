"""`@observe`: what a function is (plain, async, generator, async generator) is decided once, when it is decorated.

A call then takes one straight path: start, call, record, end. Nothing recorded means one look at an attribute. The
function's own exception leaves as it came, and nothing of ours ever does.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, overload

from spanmeter import _attributes as names
from spanmeter._content import json_text, plain_text
from spanmeter._generators import ObservedGenerator, drive, drive_async
from spanmeter._guard import faults, guarded
from spanmeter._live import Live
from spanmeter._messages import as_messages, output_messages
from spanmeter._runtime import Runtime, current
from spanmeter._spans import kind_attributes

__all__ = ["observe"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is known of a function before it is ever called."""

    name: str
    attributes: Mapping[str, Any]
    kind: str
    parameters: tuple[str, ...]  # positional ones, in order
    bound: bool  # the first parameter is the object or class itself
    rest: str  # the name of *args
    capture_input: bool
    capture_output: bool
    input_key: str  # the attribute for arguments
    output_key: str  # the attribute for the result

    @guarded("start", None)
    def start(self, runtime: Runtime, args: tuple[Any, ...], kwargs: dict[str, Any], *, parent: Any = None) -> Any:
        """Start the span of one call; None when that failed."""
        live = Live(runtime, self.name, self.attributes, parent)
        if self.capture_input and runtime.settings.capture_content and live.span.is_recording():
            self._record_arguments(live, args, kwargs)
        return live

    @guarded("arguments", None)
    def _record_arguments(self, live: Live, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        said = dict(zip(self.parameters, args, strict=False))
        if self.bound and said:
            del said[self.parameters[0]]
        if len(args) > len(self.parameters):
            said[self.rest] = args[len(self.parameters) :]
        if kwargs:
            said.update(kwargs)
        if not said:
            return
        if self.kind == "llm":
            asked = said.get("messages", next(iter(said.values())) if len(said) == 1 else said)
            limit = live.runtime.settings.content_limit
            live.set_content(self.input_key, as_messages(asked, "user"), limit=limit, as_is=False)
        else:
            live.put_text(self.input_key, json_text(said, live.runtime.settings.argument_limit))

    @guarded("end", None)
    def finish(self, live: Live, result: Any) -> None:
        """Record what came out, and end the span, whatever becomes of the recording."""
        try:
            if result is not None:
                self.record_result(live, result)
        finally:
            live.close()

    def record_result(self, live: Live, result: Any) -> None:
        """Record what came out."""
        if not self.capture_output or not live.captures:
            return
        if self.kind == "llm":
            limit = live.runtime.settings.content_limit
            live.set_content(self.output_key, output_messages(result), limit=limit, as_is=False)
        else:
            live.put_text(self.output_key, plain_text(result, live.runtime.settings.argument_limit))


@overload
def observe(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def observe(
    *,
    name: str | None = None,
    kind: str = "span",
    capture_input: bool = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def observe(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    kind: str = "span",
    capture_input: bool = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """Record each call of a function as a span: `@observe`, or `@observe(kind="tool", capture_output=False)`."""

    def decorate(function: Any) -> Any:
        if isinstance(function, classmethod | staticmethod):
            return type(function)(decorate(function.__func__))
        if not callable(function) or isinstance(function, type):
            faults.note("observe", f"{function!r} is left as it is: @observe takes functions and methods")
            return function
        recipe = _recipe(function, name, kind, capture_input, capture_output, attributes)
        return function if recipe is None else _wrapped(function, recipe)

    return decorate if function is None else decorate(function)


@guarded("observe", None)
def _recipe(
    function: Callable[..., Any],
    name: str | None,
    kind: str,
    capture_input: bool,
    capture_output: bool,
    attributes: Mapping[str, Any] | None,
) -> Recipe | None:
    shown = name or getattr(function, "__qualname__", type(function).__qualname__).rpartition("<locals>.")[2]
    plain = getattr(function, "__name__", shown)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C have none
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    in_order = tuple(parameter.name for parameter in parameters if parameter.kind in positional)
    rest = next((f"*{parameter.name}" for parameter in parameters if parameter.kind is parameter.VAR_POSITIONAL), "*")
    return Recipe(
        name=shown,
        attributes={**kind_attributes(kind, name or plain), **(attributes or {})},
        kind=kind,
        parameters=in_order,
        bound=bool(in_order) and in_order[0] in {"self", "cls"},
        rest=rest,
        capture_input=capture_input,
        capture_output=capture_output,
        input_key={"tool": names.TOOL_ARGUMENTS, "llm": names.INPUT_MESSAGES}.get(kind, names.INPUT),
        output_key={"tool": names.TOOL_RESULT, "llm": names.OUTPUT_MESSAGES}.get(kind, names.OUTPUT),
    )


def _wrapped(function: Any, recipe: Recipe) -> Any:
    if inspect.isasyncgenfunction(function):
        return ObservedGenerator(function, recipe, drive_async)
    if inspect.isgeneratorfunction(function):
        return ObservedGenerator(function, recipe, drive)
    if inspect.iscoroutinefunction(function):
        return _observed_async(function, recipe)
    return _observed(function, recipe)


def _observed(function: Callable[..., Any], recipe: Recipe) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        runtime = current.runtime
        live = recipe.start(runtime, args, kwargs) if runtime is not None else None
        if live is None:
            return function(*args, **kwargs)
        live.enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            live.failed(error)
            raise
        live.leave()
        recipe.finish(live, result)
        return result

    return wrapper


def _observed_async(function: Callable[..., Any], recipe: Recipe) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        runtime = current.runtime
        live = recipe.start(runtime, args, kwargs) if runtime is not None else None
        if live is None:
            return await function(*args, **kwargs)
        live.enter()
        try:
            result = await function(*args, **kwargs)
        except GeneratorExit:  # the coroutine was thrown away, half-way
            live.leave()
            live.set(names.GENERATOR_END, "closed")
            live.end()
            raise
        except BaseException as error:
            live.failed(error)
            raise
        live.leave()
        recipe.finish(live, result)
        return result

    return wrapper
