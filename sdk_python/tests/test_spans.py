"""`span()`, `generation()` and `context()`: what they write, and that they are never in the way."""

import asyncio
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import spanmeter
from hypothesis import given
from hypothesis import strategies as st
from spanmeter._content import json_text
from spanmeter._messages import as_messages
from spanmeter._usage import usage_attributes
from spanmeter.testing import Recording, SteppingClock, recording


def test_a_generation_says_everything(spanmeter_recording: Recording) -> None:
    with spanmeter.generation(model="gpt-4o", provider="openai", input="Hi", parameters={"temperature": 0.1}) as call:
        call.first_token()
        call.update(
            response_model="gpt-4o-2024-08-06", response_id="r1", output="Hello", finish_reason="stop",
            usage={"input_tokens": 10, "cache_read_tokens": 4, "output_tokens": 2, "reasoning_tokens": 1, "odd": 3},
            cost=Decimal("0.0000024"), system="Be kind.", tools=[{"name": "t"}],
        )  # fmt: skip
    span = spanmeter_recording.one("chat gpt-4o")
    values = dict(span.attributes)
    assert json.loads(values.pop("gen_ai.input.messages"))[0]["role"] == "user"
    assert json.loads(values.pop("gen_ai.output.messages"))[0]["role"] == "assistant"
    assert values == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.1,
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "r1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 1.0,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.usage.cost": "0.0000024",
        "gen_ai.system_instructions": '[{"type":"text","content":"Be kind."}]',
        "gen_ai.tool.definitions": '[{"name":"t"}]',
    }


def test_a_cost_that_is_none_is_told_and_nothing_else_is_lost(spanmeter_recording: Recording) -> None:
    with spanmeter.generation(model="m") as call:
        call.update(cost="cheap", usage={"input_tokens": "many", "output_tokens": 2})
    values = spanmeter_recording.one("chat m").attributes
    assert "gen_ai.usage.cost" not in values
    assert "gen_ai.usage.input_tokens" not in values
    assert values["gen_ai.usage.output_tokens"] == 2
    assert spanmeter.stats()["faults"] == {"usage": 1}


def test_spans_nest_and_fail_async_too(spanmeter_recording: Recording) -> None:
    async def work() -> None:
        async with spanmeter.span("outer", kind="agent", input={"q": 1}), spanmeter.span("inner") as inner:
            inner.update(name="renamed", output=[1], properties={"n": 1}, attributes={"x": 1.5})
            raise LookupError("gone")

    with pytest.raises(LookupError):
        asyncio.run(work())
    outer, inner = spanmeter_recording.one("outer"), spanmeter_recording.one("renamed")
    assert inner.parent_id == outer.span_id
    assert (inner.status, outer.status, inner.message) == ("ERROR", "ERROR", "gone")
    assert (inner.attributes["spanmeter.output"], inner.attributes["spanmeter.property.n"]) == ("[1]", "1")
    assert outer.attributes["gen_ai.agent.name"] == "outer"
    assert outer.attributes["spanmeter.input"] == '{"q":1}'


def test_an_error_can_be_said_without_raising(spanmeter_recording: Recording) -> None:
    with spanmeter.span("s") as span:
        span.update(error="the tool said no")
    assert (spanmeter_recording.one("s").status, spanmeter_recording.one("s").message) == ("ERROR", "the tool said no")
    span.update(output="too late")
    assert "spanmeter.output" not in spanmeter_recording.one("s").attributes


def test_contexts_add_up(spanmeter_recording: Recording) -> None:
    with spanmeter.context(user_id="u", tags=["a"], properties={"plan": "free"}):
        with spanmeter.context(session_id="s", tags=["b", "a"], properties={"plan": "paid"}), spanmeter.span("inner"):
            pass
        with spanmeter.span("outer"):
            pass
    with spanmeter.span("outside"):
        pass
    inner = spanmeter_recording.one("inner").attributes
    assert inner == {
        "user.id": "u", "session.id": "s", "spanmeter.tags": ("a", "b"), "spanmeter.property.plan": "paid",
    }  # fmt: skip
    assert spanmeter_recording.one("outer").attributes["spanmeter.tags"] == ("a",)
    assert spanmeter_recording.one("outside").attributes == {}


def test_without_configure_everything_is_nothing() -> None:
    with spanmeter.span("s") as span, spanmeter.generation(model="m") as call, spanmeter.context(user_id="u"):
        span.update(output=1)
        call.first_token()
        call.update(usage={"input_tokens": 1}, cost=1)
        spanmeter.current_span().update(output=2)
        assert spanmeter.score("s", 1) is None
        assert (span.trace_id, span.span_id) == ("", "")
    assert spanmeter.flush()
    assert spanmeter.stats()["faults"] == {}


def test_the_clock_of_a_recording_is_the_tests(spanmeter_recording: Recording) -> None:
    clock = SteppingClock(step_ns=0)
    with recording(clock=clock) as recorded, spanmeter.span("s"):
        clock.advance(2.5)
    span = recorded.one("s")
    assert span.end_ns - span.start_ns == 2_500_000_000
    with pytest.raises(AssertionError, match="'s'"):
        recorded.one("other")
    assert spanmeter_recording.spans == []


def test_messages_of_every_shape() -> None:
    given_messages = [
        "plain",
        {"role": "system", "content": "S"},
        {"role": "user", "content": [{"type": "text", "text": "T"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
        {"role": "user", "parts": [{"type": "text", "content": "kept"}]},
        {"type": "web_search_call", "id": "w"},
    ]
    parts = [message["parts"] for message in as_messages(given_messages, "user")]
    assert parts == [
        [{"type": "text", "content": "plain"}],
        [{"type": "text", "content": "S"}],
        [{"type": "text", "content": "T"}, {"type": "uri", "modality": "image", "uri": "u"}],
        [{"type": "blob", "modality": "image", "mime_type": "image/png", "size": 26}],
        [{"type": "tool_call_response", "id": "c", "response": "42"}],
        [{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}],
        [{"type": "tool_call_response", "id": "c", "response": "42"}],
        [{"type": "text", "content": "kept"}],
        [{"type": "web_search_call", "content": {"type": "web_search_call", "id": "w"}}],
    ]


def test_usage_of_providers_objects() -> None:
    usage = SimpleNamespace(
        prompt_tokens=10, completion_tokens=0, total_tokens=10,
        prompt_tokens_details=SimpleNamespace(cached_tokens=3, audio_tokens=None), completion_tokens_details=None,
    )  # fmt: skip
    assert usage_attributes(usage) == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 0,
        "gen_ai.usage.cache_read.input_tokens": 3,
    }
    assert usage_attributes(None) == {}
    assert usage_attributes({"input_tokens": True, "output_tokens": -1}) == {}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=30,
)


@given(_VALUES, st.integers(0, 500))
def test_content_is_always_json_and_never_much_over_its_bound(value: Any, limit: int) -> None:
    text = json_text(value, limit)
    json.loads(text)
    # Escapes and brackets are beside the bound; what was said is not.
    assert len(text) < 40 * (limit + 1) + 4000
