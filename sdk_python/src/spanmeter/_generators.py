"""Generators under observation: one span from the first step to the last, current only while a step runs.

Between two steps the consumer's context is the consumer's, and what the generator's body had made current (a span it
opened around a `yield`) is kept for its next step. The parent is whoever called the function, even when the steps are
made elsewhere, as a web server does with a streamed answer. The span ends when the generator is exhausted, fails, is
closed, or is collected half-way.
"""

import functools
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanmeter import _attributes as names
from spanmeter._guard import guarded
from spanmeter._live import Live
from spanmeter._runtime import Runtime, current

__all__ = ["ObservedGenerator", "drive", "drive_async"]

_MOST_ITEMS = 1000


class Starter(Protocol):
    """What a recipe offers; it lives with the decorator."""

    def start(self, runtime: Runtime, args: tuple[Any, ...], kwargs: dict[str, Any], *, parent: Any = None) -> Any:
        """Start the span."""

    def finish(self, live: Live, result: Any) -> None:
        """Record what came out, and end the span."""


class ObservedGenerator:
    """In place of a generator function. `inspect`, frameworks and pickle take it for the function itself.

    A generator function of ours in its place would look right as well, but could not see where it was called: its body
    runs at the first step only.
    """

    def __init__(self, function: Callable[..., Any], recipe: Starter, drive: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        # What inspect looks at to tell what kind of function this is.
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))
        self._function = function
        self._recipe = recipe
        self._drive = drive

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        generator = self._function(*args, **kwargs)
        runtime = current.runtime
        if runtime is None:
            return generator
        return self._drive(generator, _Steps(self._recipe, runtime, args, kwargs))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> str:
        return str(getattr(self, "__qualname__", ""))


class _Steps:
    """The span and the context of one generator, from step to step."""

    def __init__(self, recipe: Starter, runtime: Runtime, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._recipe = recipe
        self._runtime = runtime
        self._called_with = (args, kwargs)
        self._called_in: Context = otel_context.get_current()
        self._live: Live | None = None
        self._begun = False
        self._inside: Context | None = None
        self._outside: Context | None = None
        self._items: list[Any] = []
        self._size = 0
        self._count = 0

    @guarded("step", None)
    def enter(self) -> None:
        """Before a step."""
        if not self._begun:
            self._begun = True
            args, kwargs = self._called_with
            self._called_with = ((), {})
            self._live = self._recipe.start(self._runtime, args, kwargs, parent=self._called_in)
            self._inside = self._live.context if self._live else None
        if self._inside is not None:
            self._outside = otel_context.get_current()
            otel_context.attach(self._inside)

    @guarded("step", None)
    def leave(self) -> None:
        """After a step."""
        if self._outside is not None:
            self._inside = otel_context.get_current()
            otel_context.attach(self._outside)
            self._outside = None

    @guarded("step", None)
    def keep(self, item: Any) -> None:
        """An item was yielded."""
        live = self._live
        if live is None:
            return
        self._count += 1
        if self._count == 1:
            live.set(names.TIME_TO_FIRST, (self._runtime.clock() - live.started_ns) / 1e9)
        if live.captures and len(self._items) < _MOST_ITEMS and self._size < self._runtime.settings.argument_limit:
            self._items.append(item)
            self._size += len(item) if isinstance(item, str) else 64

    def over(self, how: str) -> None:
        """The step was the last one."""
        self.leave()
        self.end(how)

    def fail(self, error: BaseException) -> None:
        """The step raised, and the generator with it."""
        self.leave()
        if self._live is not None:
            self._live.fail(error)
        self.end("failed")

    @guarded("step", None)
    def end(self, how: str) -> None:
        """Nothing more will come."""
        live, self._live = self._live, None
        if live is None:
            return
        live.set(names.GENERATOR_END, how)
        if self._items:
            words = self._items if all(isinstance(item, str) for item in self._items) else None
            self._recipe.finish(live, "".join(words) if words else self._items)
        else:
            live.close()

    def __del__(self) -> None:
        # The frame that held this is gone: an asynchronous generator that no event loop will close any more.
        self.end("collected")


def drive(generator: Generator[Any, Any, Any], steps: _Steps) -> Generator[Any, Any, Any]:
    """Hand everything through, in both directions."""
    step: Callable[..., Any] = generator.send
    given: Any = None
    while True:
        steps.enter()
        try:
            item = step(given)
        except StopIteration as stop:
            steps.over("exhausted")
            return stop.value
        except BaseException as error:
            steps.fail(error)
            raise
        steps.leave()
        steps.keep(item)
        given = None
        try:
            given = yield item
            step = generator.send
        except GeneratorExit:
            _close(generator, steps)
            raise
        except BaseException as error:
            given = error
            step = generator.throw


def _close(generator: Generator[Any, Any, Any], steps: _Steps) -> None:
    steps.enter()
    try:
        generator.close()
    except BaseException as error:
        steps.fail(error)
        raise
    steps.over("closed")


async def drive_async(generator: AsyncGenerator[Any, Any], steps: _Steps) -> AsyncGenerator[Any, Any]:
    """Hand everything through, in both directions."""
    step: Callable[..., Any] = generator.asend
    given: Any = None
    while True:
        steps.enter()
        try:
            item = await step(given)
        except StopAsyncIteration:
            steps.over("exhausted")
            return
        except BaseException as error:
            steps.fail(error)
            raise
        steps.leave()
        steps.keep(item)
        given = None
        try:
            given = yield item
            step = generator.asend
        except GeneratorExit:
            await _aclose(generator, steps)
            raise
        except BaseException as error:
            given = error
            step = generator.athrow


async def _aclose(generator: AsyncGenerator[Any, Any], steps: _Steps) -> None:
    steps.enter()
    try:
        await generator.aclose()
    except BaseException as error:
        steps.fail(error)
        raise
    steps.over("closed")
