"""`@observe` on every kind of function: the call behaves as before, and a span says what happened."""

import asyncio
import inspect
import json
import pickle
from functools import partial
from typing import Any

import pytest
import spanmeter
from spanmeter._guard import faults
from spanmeter.testing import Recording, recording


class BrokenError(Exception):
    """The host's own."""


@spanmeter.observe
def add(a: int, b: int = 2, *rest: int, scale: int = 1) -> int:
    """Add."""
    return (a + b + sum(rest)) * scale


@spanmeter.observe(name="find", kind="tool", capture_output=False, attributes={"team": "search"})
def lookup(query: str) -> str:
    return query.upper()


@spanmeter.observe
async def later(x: int) -> int:
    await asyncio.sleep(0)
    return add(x)


@spanmeter.observe
def breaks(error: BaseException) -> None:
    raise error


class Shop:
    """Methods of every kind."""

    @spanmeter.observe
    def sell(self, item: str) -> str:
        return item

    @spanmeter.observe
    @classmethod
    def open(cls, name: str) -> str:
        return name

    @spanmeter.observe
    @staticmethod
    def price(amount: int) -> int:
        return amount


def test_a_call_is_a_span_with_arguments_and_result(spanmeter_recording: Recording) -> None:
    assert add(1, 2, 3, scale=2) == 12
    span = spanmeter_recording.one("add")
    assert json.loads(span.attributes["spanmeter.input"]) == {"a": 1, "b": 2, "*rest": [3], "scale": 2}
    assert span.attributes["spanmeter.output"] == "12"
    assert (span.status, span.end_ns - span.start_ns) == ("UNSET", 1_000_000_000)


def test_arguments_of_the_decorator(spanmeter_recording: Recording) -> None:
    lookup("tea")
    span = spanmeter_recording.one("find")
    assert span.attributes["gen_ai.operation.name"] == "execute_tool"
    assert span.attributes["gen_ai.tool.name"] == "find"
    assert json.loads(span.attributes["gen_ai.tool.call.arguments"]) == {"query": "tea"}
    assert span.attributes["team"] == "search"
    assert "gen_ai.tool.call.result" not in span.attributes


def test_an_async_call_lasts_until_it_is_awaited_and_is_the_parent(spanmeter_recording: Recording) -> None:
    assert asyncio.run(later(1)) == 3
    parent, child = spanmeter_recording.one("later"), spanmeter_recording.one("add")
    assert child.parent_id == parent.span_id
    assert parent.start_ns < child.start_ns < child.end_ns < parent.end_ns


def test_tasks_beside_each_other_do_not_mix(spanmeter_recording: Recording) -> None:
    async def both() -> None:
        await asyncio.gather(later(1), later(2))

    asyncio.run(both())
    parents = {span.span_id: span for span in spanmeter_recording.spans if span.name == "later"}
    for span in spanmeter_recording.spans:
        if span.name == "add":
            assert span.parent_id in parents
            assert parents[span.parent_id].trace_id == span.trace_id
    assert len({span.trace_id for span in spanmeter_recording.spans}) == 2


@pytest.mark.parametrize("error", [BrokenError("no"), KeyboardInterrupt(), SystemExit(2), ValueError("\ud800")])
def test_the_hosts_exception_leaves_as_it_came(spanmeter_recording: Recording, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        breaks(error)
    assert caught.value is error
    span = spanmeter_recording.one("breaks")
    assert span.status == "ERROR"
    assert span.attributes["error.type"].rpartition(".")[2] == type(error).__name__
    assert "exception" in span.events


def test_an_exception_that_cannot_be_shown_is_still_the_hosts(spanmeter_recording: Recording) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even that")

    with pytest.raises(MuteError):
        breaks(MuteError())
    assert spanmeter_recording.one("breaks").status == "ERROR"


def test_cancelling_ends_the_span(spanmeter_recording: Recording) -> None:
    @spanmeter.observe
    async def forever() -> None:
        await asyncio.Event().wait()

    async def cancelled() -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    (span,) = spanmeter_recording.spans
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_after_a_call_the_callers_span_is_current_again(spanmeter_recording: Recording) -> None:
    with spanmeter.span("outer") as outer:
        add(1)
        with pytest.raises(BrokenError):
            breaks(BrokenError())
        assert spanmeter.get_current_span_id() == outer.span_id
    assert spanmeter.get_current_span_id() is None


def test_methods_leave_out_what_they_are_bound_to(spanmeter_recording: Recording) -> None:
    assert (Shop().sell("cup"), Shop.open("corner"), Shop.price(3)) == ("cup", "corner", 3)
    inputs = [json.loads(span.attributes["spanmeter.input"]) for span in spanmeter_recording.spans]
    assert inputs == [{"item": "cup"}, {"name": "corner"}, {"amount": 3}]


def test_the_function_is_what_it_was() -> None:
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert list(inspect.signature(add).parameters) == ["a", "b", "rest", "scale"]
    assert inspect.iscoroutinefunction(later)
    assert not inspect.iscoroutinefunction(add)
    for function in (add, lookup, later):
        assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301 - our own


def test_nothing_configured_means_nothing_happens() -> None:
    assert add(1) == 3
    assert asyncio.run(later(1)) == 3
    assert spanmeter.get_current_trace_id() is None
    assert faults.counts() == {}


def test_content_is_left_out_when_asked(spanmeter_recording: Recording) -> None:
    with recording(capture_content=False) as recorded:
        add(1)
        lookup("secret")
        with spanmeter.generation(model="m", input="secret") as call:
            call.update(output="secret", system="secret")
    assert "secret" not in str(recorded.spans)
    assert [span.name for span in recorded.spans] == ["add", "find", "chat m"]


def test_content_is_bounded() -> None:
    with recording(argument_limit=100) as recorded:
        lookup("x" * 10_000)
    text = recorded.one("find").attributes["gen_ai.tool.call.arguments"]
    assert len(text) < 200
    assert "cut from 10000 characters" in json.loads(text)["query"]


def test_a_mask_sees_every_text_and_a_broken_one_lets_nothing_through() -> None:
    def mask(text: str) -> str:
        return text.replace("4111", "****")

    def broken(text: str) -> str:
        raise ValueError(text)

    with recording(mask=mask) as recorded:
        lookup("card 4111")
        with spanmeter.generation(model="m", input="card 4111"):
            pass
    assert "4111" not in str(recorded.spans)
    assert "****" in recorded.one("chat m").attributes["gen_ai.input.messages"]
    with recording(mask=broken) as recorded:
        assert lookup("card 4111") == "CARD 4111"
    assert "4111" not in str(recorded.spans)


def test_arguments_that_fight_back_change_nothing(spanmeter_recording: Recording) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("never called")

        __str__ = __repr__

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    @spanmeter.observe
    def takes(value: Any) -> Any:
        return value

    hostile = Hostile()
    assert takes(hostile) is hostile
    cycle: list[Any] = []
    cycle.append(cycle)
    assert takes(cycle) is cycle
    assert len(spanmeter_recording.spans) == 2


def test_what_is_no_function_is_left_as_it_is() -> None:
    assert spanmeter.observe(3) == 3  # type: ignore[call-overload]

    @spanmeter.observe
    class Kept:
        pass

    assert isinstance(Kept, type)
    assert faults.counts() == {"observe": 2}


def test_partials_and_builtins(spanmeter_recording: Recording) -> None:
    assert spanmeter.observe(partial(add.__wrapped__, 1))(4) == 5  # type: ignore[attr-defined]
    assert spanmeter.observe(len)([1, 2]) == 2
    assert [span.name for span in spanmeter_recording.spans] == ["partial", "len"]


def test_an_unknown_kind_is_a_plain_span_and_is_told(spanmeter_recording: Recording) -> None:
    spanmeter.observe(kind="tol")(len)([])
    assert "gen_ai.operation.name" not in spanmeter_recording.one("len").attributes
    assert faults.counts() == {"kind": 1}


def test_a_function_that_calls_a_model_says_messages(spanmeter_recording: Recording) -> None:
    @spanmeter.observe(kind="llm")
    def ask(question: str) -> str:
        spanmeter.current_span().update(model="gpt-4o", usage={"input_tokens": 3}, output="ignored: the result wins")
        return "Fine."

    ask("How?")
    span = spanmeter_recording.spans[0]
    assert json.loads(span.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "How?"}]}
    ]
    assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == "Fine."
    assert span.attributes["gen_ai.usage.input_tokens"] == 3
