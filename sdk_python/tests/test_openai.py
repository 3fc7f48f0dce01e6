"""OpenAI's own client, wrapped: the application sees what it would have seen, and a span says the rest."""

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import spanmeter
from spanmeter.testing import Recording, recording

from .conftest import FakeGateway

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "Looking.",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"in":"Pune"}'}}
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5-2025",
    "status": "completed",
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 9,
        "output_tokens": 3,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens_details": {"reasoning_tokens": 1},
    },
}
EMBEDDING = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
JSON = {"Content-Type": "application/json"}
MESSAGES = [{"role": "user", "content": "Weather?"}]


def chunk(delta: dict[str, Any] | None, *, usage: Any = None, finish: str | None = None) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return {**head, "choices": choices, "usage": usage}


CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hel"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    chunk({"content": "lo"}, usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}),
    chunk({}, finish="stop"),
    chunk(None, usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}),
]


def sse(*events: dict[str, Any], done: bool = True) -> tuple[int, dict[str, str], bytes]:
    lines = [f"event: {event['type']}\n" if "type" in event else "" for event in events]
    body = "".join(f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, events, strict=True))
    return 200, {"Content-Type": "text/event-stream"}, (body + ("data: [DONE]\n\n" if done else "")).encode()


def answer(content: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, JSON, json.dumps(content).encode()


@pytest.fixture
def client(gateway: FakeGateway) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="sk-x", max_retries=0) as made:
        yield spanmeter.wrap_openai(made)


def said(span: Any, key: str) -> Any:
    return json.loads(span.attributes[key])


def test_a_chat(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    gateway.script = [answer(CHAT)]
    tools = [{"type": "function", "function": {"name": "weather"}}]
    completion = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=0.5, tools=tools)
    assert completion.choices[0].message.content == "Looking."
    span = spanmeter_recording.one("chat gpt-4o")
    values = span.attributes
    assert values["gen_ai.operation.name"] == "chat"
    assert values["gen_ai.provider.name"] == "openai"
    assert values["gen_ai.request.temperature"] == 0.5
    assert (values["gen_ai.response.model"], values["gen_ai.response.id"]) == ("gpt-4o-2024-08-06", "chatcmpl-1")
    assert values["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert values["openai.response.service_tier"] == "default"
    assert {key: value for key, value in values.items() if key.startswith("gen_ai.usage.")} == {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 64,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }
    assert said(span, "gen_ai.input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}]
    (message,) = said(span, "gen_ai.output.messages")
    assert message["parts"] == [
        {"type": "text", "content": "Looking."},
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"in":"Pune"}'},
    ]
    assert said(span, "gen_ai.tool.definitions") == tools
    assert "gen_ai.response.time_to_first_chunk" not in values


def test_a_stream_times_its_first_token_and_the_last_usage_wins(
    client: Any, gateway: FakeGateway, spanmeter_recording: Recording
) -> None:
    gateway.script = [sse(*CHUNKS)]
    stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert isinstance(stream, openai.Stream)
    assert stream.response.status_code == 200
    pieces = [piece.choices[0].delta.content or "" for piece in stream if piece.choices]
    assert "".join(pieces) == "Hello"
    values = spanmeter_recording.one("chat gpt-4o").attributes
    assert values["gen_ai.response.time_to_first_chunk"] == 1.0, "one look at the clock, at the first text"
    assert (values["gen_ai.usage.input_tokens"], values["gen_ai.usage.output_tokens"]) == (5, 3)
    assert values["gen_ai.response.finish_reasons"] == ("stop",)
    assert json.loads(values["gen_ai.output.messages"])[0]["parts"] == [{"type": "text", "content": "Hello"}]
    assert b"stream_options" not in gateway.requests[0][2], "the request is the application's"


@pytest.mark.parametrize("how", ["closed", "left", "collected"])
def test_a_stream_that_is_left(client: Any, gateway: FakeGateway, spanmeter_recording: Recording, how: str) -> None:
    gateway.script = [sse(*CHUNKS)]
    stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    if how == "left":
        with stream:
            next(stream)
            next(stream)
    else:
        next(stream)
        next(stream)
        held = stream._stream  # the client's own object must still be closed by somebody
        stream.close() if how == "closed" else None
        del stream
        gc.collect()
        held.close()
    (span,) = spanmeter_recording.spans
    assert span.attributes["spanmeter.generator.end"] == ("collected" if how == "collected" else "closed")
    assert span.attributes["gen_ai.usage.output_tokens"] == 1
    assert span.status == "UNSET"


def test_a_stream_that_breaks(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    gateway.script = [sse(CHUNKS[1], {"error": {"message": "overloaded"}}, done=False)]
    stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match="overloaded"):
        list(stream)
    (span,) = spanmeter_recording.spans
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "openai.APIError")
    assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == "Hel"


def test_an_error_is_the_clients_own(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    gateway.script = [answer({"error": {"message": "slow down"}}, 429)]
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    (span,) = spanmeter_recording.spans
    assert (span.status, span.attributes["http.response.status_code"]) == ("ERROR", 429)


def test_responses_whole_and_streamed(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    events = [
        {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "output": [], "usage": None}},
        {
            "type": "response.output_text.delta", "sequence_number": 1, "delta": "Hello.",
            "item_id": "m1", "output_index": 0, "content_index": 0, "logprobs": [],
        },
        {"type": "response.completed", "sequence_number": 2, "response": RESPONSE},
    ]  # fmt: skip
    gateway.script = [answer(RESPONSE), sse(*events, done=False)]
    whole = client.responses.create(model="gpt-5", input="Hi", instructions="Be brief.")
    assert whole.output_text == "Hello."
    streamed = client.responses.create(model="gpt-5", input=[{"role": "user", "content": "Hi"}], stream=True)
    assert [event.type for event in streamed][-1] == "response.completed"
    first, second = spanmeter_recording.spans
    for span in (first, second):
        values = span.attributes
        assert (values["gen_ai.usage.input_tokens"], values["gen_ai.usage.cache_read.input_tokens"]) == (9, 4)
        assert values["gen_ai.response.finish_reasons"] == ("completed",)
        assert said(span, "gen_ai.output.messages")[0]["parts"] == [{"type": "text", "content": "Hello."}]
        assert said(span, "gen_ai.input.messages")[0]["parts"] == [{"type": "text", "content": "Hi"}]
    assert said(first, "gen_ai.system_instructions") == [{"type": "text", "content": "Be brief."}]
    assert second.attributes["gen_ai.response.time_to_first_chunk"] == 1.0


def test_embeddings(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    gateway.script = [answer(EMBEDDING)]
    made = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], encoding_format="float")
    assert made.data[0].embedding == [0.5, 0.25]
    span = spanmeter_recording.one("embeddings text-embedding-3-small")
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
    assert span.attributes["gen_ai.usage.input_tokens"] == 7
    assert "0.25" not in str(span.attributes)


def test_async(gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    async def both() -> str:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="sk-x", max_retries=0) as made:
            client = spanmeter.wrap_openai(spanmeter.wrap_openai(made))
            with spanmeter.span("outer"):
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
                stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
                pieces = [piece.choices[0].delta.content or "" async for piece in stream if piece.choices]
            gateway.script = [answer({"error": {"message": "no"}}, 400)]
            with pytest.raises(openai.BadRequestError):
                await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
            return "".join(pieces)

    gateway.script = [answer(CHAT), sse(*CHUNKS)]
    assert asyncio.run(both()) == "Hello"
    whole, streamed, outer, failed = spanmeter_recording.spans
    assert (whole.parent_id, streamed.parent_id, failed.parent_id) == (outer.span_id, outer.span_id, None)
    assert streamed.attributes["gen_ai.usage.output_tokens"] == 3
    assert streamed.attributes["gen_ai.response.time_to_first_chunk"] == 1.0
    assert failed.status == "ERROR"


def test_copies_and_raw_answers(client: Any, gateway: FakeGateway, spanmeter_recording: Recording) -> None:
    gateway.script = [answer(CHAT), answer(CHAT)]
    client.with_options(timeout=3).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
    assert raw.parse().id == "chatcmpl-1"
    assert len(spanmeter_recording.spans) == 2


def test_towards_our_gateway_the_trace_is_told(client: Any, gateway: FakeGateway) -> None:
    gateway.script = [answer(CHAT), answer(CHAT)]
    with recording(base_url=gateway.url) as recorded, spanmeter.context(user_id="u1", tags=["ü", "b"]):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, extra_headers={"x-mine": "1"})
    _, headers, _ = gateway.requests[0]
    (span,) = recorded.spans
    assert headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert (headers["spanmeter-user-id"], headers["x-mine"]) == ("u1", "1")
    with recording(base_url="http://elsewhere.example"), spanmeter.context(user_id="u1"):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert not [name for name in gateway.requests[1][1] if name.startswith(("traceparent", "spanmeter"))]


def test_not_recording_it_is_the_client_alone(client: Any, gateway: FakeGateway) -> None:
    gateway.script = [sse(*CHUNKS)]
    with client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream:
        assert type(stream) is openai.Stream


def test_what_is_no_client_is_told(spanmeter_recording: Recording) -> None:
    assert spanmeter.wrap_openai(3) == 3
    assert spanmeter.stats()["faults"] == {"wrap_openai": 1}
