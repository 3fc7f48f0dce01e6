"""Generators: one span from the first step to the last, and nobody else's context is touched."""

import asyncio
import gc
import inspect
import json
import pickle
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
import spanmeter
from spanmeter.testing import Recording


@spanmeter.observe
def words(count: int) -> Iterator[str]:
    """Yield."""
    for number in range(count):
        with spanmeter.span(f"inner {number}"):
            yield f"w{number} "


@spanmeter.observe
async def words_later(count: int) -> AsyncIterator[str]:
    for number in range(count):
        await asyncio.sleep(0)
        with spanmeter.span(f"inner {number}"):
            yield f"w{number} "


class Speaker:
    """A method that yields."""

    @spanmeter.observe
    def speak(self, count: int) -> Iterator[int]:
        yield from range(count)


def test_one_span_until_it_is_exhausted(spanmeter_recording: Recording) -> None:
    assert list(words(2)) == ["w0 ", "w1 "]
    span = spanmeter_recording.one("words")
    assert span.attributes["spanmeter.output"] == "w0 w1 "
    assert span.attributes["spanmeter.generator.end"] == "exhausted"
    assert json.loads(span.attributes["spanmeter.input"]) == {"count": 2}
    assert [child.name for child in spanmeter_recording.children(span)] == ["inner 0", "inner 1"]


def test_between_steps_the_context_is_the_consumers(spanmeter_recording: Recording) -> None:
    with spanmeter.span("consumer") as consumer:
        for _ in words(2):
            assert spanmeter.get_current_span_id() == consumer.span_id
            with spanmeter.span("between"):
                pass
    parent = spanmeter_recording.one("consumer")
    between = [span for span in spanmeter_recording.spans if span.name == "between"]
    assert [span.parent_id for span in between] == [parent.span_id] * 2


def test_the_same_for_async(spanmeter_recording: Recording) -> None:
    async def consume() -> None:
        with spanmeter.span("consumer") as consumer:
            async for _ in words_later(2):
                assert spanmeter.get_current_span_id() == consumer.span_id

    asyncio.run(consume())
    span = spanmeter_recording.one("words_later")
    assert span.parent_id == spanmeter_recording.one("consumer").span_id
    assert span.attributes["spanmeter.output"] == "w0 w1 "
    assert len(spanmeter_recording.children(span)) == 2


def test_the_parent_is_who_called_even_if_another_steps(spanmeter_recording: Recording) -> None:
    """A web server iterates a streamed answer after the handler has returned, and maybe in another task."""

    async def server() -> list[str]:
        with spanmeter.span("handler"), spanmeter.context(user_id="u1"):
            stream = words_later(2)

        async def send() -> list[str]:
            return [word async for word in stream]

        return await asyncio.create_task(send())

    asyncio.run(server())
    span = spanmeter_recording.one("words_later")
    assert span.parent_id == spanmeter_recording.one("handler").span_id
    assert span.attributes["user.id"] == "u1"


def test_each_step_in_another_task(spanmeter_recording: Recording, caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        stream = words_later(2)
        for _ in range(2):
            await asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        with pytest.raises(StopAsyncIteration):
            await asyncio.create_task(anext(stream))  # type: ignore[arg-type]

    asyncio.run(steps())
    assert spanmeter_recording.one("words_later").attributes["spanmeter.generator.end"] == "exhausted"
    assert caplog.records == []


def test_closed_half_way(spanmeter_recording: Recording) -> None:
    stream = words(3)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    span = spanmeter_recording.one("words")
    assert (span.attributes["spanmeter.generator.end"], span.status) == ("closed", "UNSET")
    assert spanmeter_recording.one("inner 0").status == "UNSET"


def test_collected_half_way(spanmeter_recording: Recording) -> None:
    stream = words(3)
    next(stream)
    del stream
    gc.collect()
    assert len([span for span in spanmeter_recording.spans if span.name == "words"]) == 1


def test_async_collected_without_a_loop(spanmeter_recording: Recording) -> None:
    @spanmeter.observe
    async def plain() -> AsyncIterator[int]:
        yield 1
        yield 2

    stream = plain()
    with pytest.raises(StopIteration):
        stream.__anext__().send(None)  # type: ignore[attr-defined]
    del stream
    gc.collect()
    assert len(spanmeter_recording.spans) == 1


def test_never_begun_is_nothing(spanmeter_recording: Recording) -> None:
    words(3)
    gc.collect()
    assert spanmeter_recording.spans == []


def test_it_fails(spanmeter_recording: Recording) -> None:
    @spanmeter.observe
    def fails() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        list(fails())
    span = spanmeter_recording.spans[0]
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "LookupError")


def test_send_throw_and_return_pass_through(spanmeter_recording: Recording) -> None:
    @spanmeter.observe
    def talks() -> Generator[Any, Any, str]:
        heard = yield "ready"
        try:
            yield heard
        except ValueError as error:
            yield str(error)
        return "bye"

    stream = talks()
    assert next(stream) == "ready"
    assert stream.send("hi") == "hi"
    assert stream.throw(ValueError("ouch")) == "ouch"
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "bye"
    assert spanmeter_recording.spans[0].status == "UNSET"


def test_async_throw_and_aclose(spanmeter_recording: Recording) -> None:
    closed: list[str] = []

    @spanmeter.observe
    async def talks() -> AsyncIterator[str]:
        try:
            try:
                yield "ready"
            except ValueError as error:
                yield str(error)
        finally:
            closed.append(spanmeter.get_current_span_id() or "")

    async def consume() -> None:
        stream = talks()
        assert await anext(stream) == "ready"
        assert await stream.athrow(ValueError("ouch")) == "ouch"  # type: ignore[attr-defined]
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(consume())
    assert closed == [spanmeter_recording.spans[0].span_id]


def test_inspect_and_pickle_see_the_function() -> None:
    assert inspect.isgeneratorfunction(words)
    assert inspect.isgeneratorfunction(Speaker().speak)
    assert inspect.isasyncgenfunction(words_later)
    assert list(inspect.signature(Speaker().speak).parameters) == ["count"]
    assert words.__doc__ == "Yield."
    assert pickle.loads(pickle.dumps(words)) is words  # noqa: S301 - our own
    assert inspect.isgenerator(words(1))


def test_a_method(spanmeter_recording: Recording) -> None:
    assert list(Speaker().speak(2)) == [0, 1]
    assert json.loads(spanmeter_recording.one("Speaker.speak").attributes["spanmeter.input"]) == {"count": 2}


def test_an_endless_one_keeps_little(spanmeter_recording: Recording) -> None:
    @spanmeter.observe
    def endless() -> Iterator[str]:
        while True:
            yield "x" * 1000

    stream = endless()
    for _ in range(5000):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(spanmeter_recording.spans[0].attributes["spanmeter.output"]) < 40_000


def test_not_recorded_it_is_the_generator_itself() -> None:
    assert words(1).gi_code.co_name == "words"  # type: ignore[attr-defined]
