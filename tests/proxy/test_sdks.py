"""The unmodified openai and anthropic clients, with only the base URL changed and a key of ours."""

import asyncio
import json
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.proxy.harness import SECRET

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hallo"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-of-tomorrow",
    "content": [{"type": "text", "text": "Hallo"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
EMBEDDING = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "model": "e",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o-mini",
    "status": "completed",
    "output": [
        {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hallo", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


def chat_events():
    for part in ("Ha", "llo"):
        yield {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}],
        }


def message_events():
    yield {"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for part in ("Ha", "llo"):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def provider(connection):
    """Answer like both providers, one event a chunk."""
    while True:
        request = connection.read_request()
        path = request.line.split(b" ")[1]
        asked = json.loads(request.body)
        if asked.get("stream"):
            connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            if path == b"/v1/messages":
                events = [
                    b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in message_events()
                ]
            else:
                events = [b"data: %b\n\n" % json.dumps(event).encode() for event in chat_events()] + [
                    b"data: [DONE]\n\n"
                ]
            for event in events:
                connection.send(b"%x\r\n%b\r\n" % (len(event), event))
            connection.send(b"0\r\n\r\n")
            continue
        document = {
            b"/v1/messages": MESSAGE,
            b"/v1/chat/completions": COMPLETION,
            b"/v1/embeddings": EMBEDDING,
            b"/v1/responses": RESPONSE,
        }[path]
        body = json.dumps(document).encode()
        connection.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )


CHAT: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
ASK: Any = {"model": "claude-of-tomorrow", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
HEADERS = {"Spanmeter-Auth": f"Bearer {SECRET}"}


@pytest.fixture
def gateway(make_gateway, make_upstream):
    return make_gateway(make_upstream(provider))


def bases(gateway, name):
    """Every base URL that the documentation names, with the headers that go with it."""
    return [
        (f"{gateway.url}/{name}", HEADERS),
        (gateway.url, HEADERS),
        (f"{gateway.url}/k/{SECRET}/{name}", {}),
        (f"{gateway.url}/k/{SECRET}", {}),
    ]


def test_openai(gateway):
    for base, headers in bases(gateway, "openai"):
        with openai.OpenAI(
            base_url=base + "/v1", api_key="sk-provider", default_headers=headers, max_retries=0
        ) as client:
            assert client.chat.completions.create(**CHAT).choices[0].message.content == "Hallo"
            with client.chat.completions.create(stream=True, **CHAT) as stream:
                assert "".join(chunk.choices[0].delta.content for chunk in stream) == "Hallo"
            assert client.embeddings.create(model="e", input="x").data[0].embedding == [0.5]
            assert client.responses.create(model="gpt-4o-mini", input="Hello").output_text == "Hallo"
    closes = gateway.closes()
    assert len(closes) == 16
    assert {close.exchange.provider for close in closes} == {"openai"}
    assert b"sk-provider" not in b"".join(path.read_bytes() for path in (gateway.home / "spool").rglob("*.seg"))


def test_anthropic(gateway):
    for base, headers in bases(gateway, "anthropic"):
        with anthropic.Anthropic(base_url=base, api_key="sk-ant", default_headers=headers, max_retries=0) as client:
            assert client.messages.create(**ASK).content[0].text == "Hallo"
            with client.messages.stream(**ASK) as stream:
                assert "".join(stream.text_stream) == "Hallo"
    closes = gateway.closes()
    assert len(closes) == 8
    assert {close.exchange.provider for close in closes} == {"anthropic"}
    assert b"sk-ant" not in b"".join(path.read_bytes() for path in (gateway.home / "spool").rglob("*.seg"))


def test_both_async(gateway):
    async def talk():
        async with openai.AsyncOpenAI(
            base_url=gateway.url + "/openai/v1", api_key="sk", default_headers=HEADERS, max_retries=0
        ) as client:
            answers = await asyncio.gather(*(client.chat.completions.create(**CHAT) for _ in range(5)))
            assert {one.choices[0].message.content for one in answers} == {"Hallo"}
            stream = await client.chat.completions.create(stream=True, **CHAT)
            assert "".join([chunk.choices[0].delta.content async for chunk in stream]) == "Hallo"
        async with anthropic.AsyncAnthropic(
            base_url=gateway.url + "/anthropic", api_key="sk", default_headers=HEADERS, max_retries=0
        ) as client:
            assert (await client.messages.create(**ASK)).content[0].text == "Hallo"
            async with client.messages.stream(**ASK) as stream:
                assert "".join([text async for text in stream.text_stream]) == "Hallo"

    asyncio.run(talk())
    assert len(gateway.closes()) == 8


def test_our_errors_are_the_clients_own_exceptions(gateway):
    wrong = {"Spanmeter-Auth": "Bearer sm-sk-wrong"}
    with (
        openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk", default_headers=wrong, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.chat.completions.create(**CHAT)
    assert refused.value.code == "invalid_key"
    assert "Spanmeter key" in str(refused.value)
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="sk", default_headers=wrong, max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError, match="Spanmeter key"),
    ):
        client.messages.create(**ASK)


def test_a_broken_stream_is_an_error_to_the_client(make_gateway, make_upstream):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        event = b"data: %b\n\n" % json.dumps(next(chat_events())).encode()
        connection.send(b"%x\r\n%b\r\n" % (len(event), event))
        connection.close()

    gateway = make_gateway(make_upstream(script))
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key="sk", default_headers=HEADERS, max_retries=0) as client:
        stream = client.chat.completions.create(stream=True, **CHAT)
        received: list[str | None] = []
        with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)), stream:
            received.extend(chunk.choices[0].delta.content for chunk in stream)
    assert received in ([], ["Ha"])
