"""Answers larger than the capture: the beginning and the end were kept, and the usage at a stream's end is known."""

import gzip
import json
from typing import Any

import pytest

from ingestion.envelope import Kind, Outcome, address_field, header_field, request_fields
from ingestion.envelope.decode import decode
from ingestion.exchange import read_exchange
from ingestion.gap import bridge, usage_at_end
from ingestion.spool.segment import walk
from ingestion.sse import decode as events_of
from proxy.capture import Capture
from tests.ingestion.readers.recorded import ASK, ID, NOW, SSE, envelope, note

BOUND = 1024 * 1024
WORD = "ledger "
WORDS = 20_000


def event(value, name=""):
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def chat(padding):
    def chunk(delta, reason=None, **more):
        choices = [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": padding}]
        return event({"id": "c1", "model": "gpt-4o", "choices": choices, **more})

    yield chunk({"role": "assistant", "content": "First "})
    for _ in range(WORDS):
        yield chunk({"content": WORD})
    yield chunk({"content": "last"}, "stop")
    yield event(
        {"id": "c1", "model": "gpt-4o", "choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 20_002}}
    )
    yield b"data: [DONE]\n\n"


def anthropic(padding):
    usage = {"input_tokens": 8, "output_tokens": 1}
    yield event(
        {"type": "message_start", "message": {"id": "m1", "model": "claude-sonnet-4-5", "usage": usage}},
        "message_start",
    )
    yield event(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        "content_block_start",
    )
    for number in range(WORDS):
        text = "First " if not number else WORD
        delta = {"type": "text_delta", "text": text}
        yield event({"type": "content_block_delta", "index": 0, "delta": delta, "p": padding}, "content_block_delta")
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20_002}}
    yield event(stop, "message_delta")
    yield event({"type": "message_stop"}, "message_stop")


def responses(padding):
    """The last event repeats the answer and is larger than what is kept of the end."""
    said: dict[str, Any] = {"id": "r1", "model": "gpt-4o", "status": "in_progress", "output": [], "usage": None}
    yield event({"type": "response.created", "response": said}, "response.created")
    for number in range(WORDS):
        delta = "First " if not number else WORD
        value = {"type": "response.output_text.delta", "output_index": 0, "delta": delta, "p": padding}
        yield event(value, "response.output_text.delta")
    text = 'A "usage": {"input_tokens": 1} in the text. ' + WORD * WORDS
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    usage = {"input_tokens": 8, "output_tokens": 20_002, "total_tokens": 20_010}
    done = {**said, "status": "completed", "output": [item], "usage": usage, "metadata": {"usage": "said"}}
    yield event({"type": "response.completed", "response": done}, "response.completed")


CALLS = {
    "chat": (chat, "https://api.openai.com/v1/chat/completions", "openai"),
    "anthropic": (anthropic, "https://api.anthropic.com/v1/messages", "anthropic"),
    "responses": (responses, "https://api.openai.com/v1/responses", "openai"),
}


def captured(
    pieces, *, url, provider, bound=BOUND, headers=(), response_type=b"text/event-stream", outcome=Outcome.COMPLETE
):
    """The exchange as the gateway records it and ingest reads it."""
    recorder = Capture(
        id=ID,
        project_id=7,
        key_id=1,
        request=request_fields(
            provider=provider, method="POST", url=url, headers=[(b"content-type", b"application/json")]
        ),
        bound=bound,
        client_address=address_field("10.0.0.9"),
        wall_ns=NOW,
        now=0,
    )
    recorder.request_body(json.dumps({"model": "gpt-4o", "stream": True, "messages": ASK["messages"]}).encode())
    recorder.first_byte(1)
    recorder.response_head(200, [header_field(8, b"content-type", response_type), *headers])
    for number, piece in enumerate(pieces):
        recorder.response_body([piece], number + 2)
    (frame,) = walk(b"".join(recorder.close_frame(outcome=outcome, detail="", now=10**9)))
    return decode(frame.message)


@pytest.mark.parametrize("call", CALLS)
def test_the_usage_at_the_end_of_a_stream_is_the_providers_word(call):
    pieces, url, provider = CALLS[call]
    one = captured(pieces("x" * 60), url=url, provider=provider)
    assert one.exchange.response_gap_bytes > BOUND / 2
    record = read_exchange(one)
    assert (record.usage_basis, record.input_tokens, record.output_tokens) == ("provider", 8, 20_002)
    assert record.status.value == "ok"
    text = json.loads(record.output)[0]["parts"][0]["content"]
    assert text.startswith("First ledger ")
    assert "captured but for" in note(record)
    assert "not JSON" not in note(record)
    assert "bytes are missing here" in record.raw_response
    assert record.ttft_ns is not None


@pytest.mark.parametrize("call", CALLS)
def test_a_whole_stream_has_no_gap(call):
    pieces, url, provider = CALLS[call]
    one = captured(pieces(""), url=url, provider=provider, bound=64 * 1024 * 1024)
    assert (one.exchange.response_gap_at, one.exchange.response_gap_bytes) == (0, 0)
    record = read_exchange(one)
    assert (record.usage_basis, record.output_tokens) == ("provider", 20_002)
    assert note(record) == ""


def test_of_a_compressed_body_the_beginning_is_read():
    whole = gzip.compress(b"".join(chat("x" * 60)), 0)
    pieces = [whole[start : start + 50_000] for start in range(0, len(whole), 50_000)]
    url = "https://api.openai.com/v1/chat/completions"
    one = captured(pieces, url=url, provider="openai", headers=[header_field(8, b"content-encoding", b"gzip")])
    record = read_exchange(one)
    assert json.loads(record.output)[0]["parts"][0]["content"].startswith("First ledger ")
    assert record.usage_basis == "none"
    assert (record.cost_status.value, record.input_tokens) == ("no_usage", None)
    assert "what follows the gap cannot be read: the body is compressed (gzip)" in note(record)


USAGE = {"input_tokens": 8, "prompt_tokens": 8, "output_tokens": 20_002, "completion_tokens": 20_002}
MISLEADING = 'A "usage": {"prompt_tokens": 1, "completion_tokens": 1} in the text, '
EMBEDDED: dict[str, Any] = {"object": "list", "model": "text-embedding-3-small"}
TEXT = {"type": "text", "text": "First " + MISLEADING * 10_000}
SPOKEN = {"role": "assistant", "content": TEXT["text"]}
OUTPUT = {"type": "message", "content": [{"type": "output_text", "text": TEXT["text"]}]}
# An answer whose last member is not its usage, and which has other objects with a member of that name.
BEHIND = {"metadata": {"x": 1, "usage": {"prompt_tokens": 1, "input_tokens": 1, "completion_tokens": 1}}}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "chat/completions": {"id": "c1", "model": "gpt-4o", "choices": [{"index": 0, "message": SPOKEN}]},
    "messages": {"id": "m1", "model": "claude-sonnet-4-5", "stop_reason": "end_turn", "content": [TEXT]},
    "responses": {"id": "r1", "model": "gpt-4o", "status": "completed", "output": [OUTPUT]},
    "embeddings": EMBEDDED | {"data": [{"index": n, "embedding": [0.25] * 100} for n in range(2000)]},
    "of/another/kind": {"id": "c1", "model": "gpt-4o", "text": TEXT["text"]},
}


def document(body, call="chat/completions", *, bound=100_000, content_type=b"application/json", **more):
    """The record of an answer that came in one piece."""
    provider = "anthropic" if call == "messages" else "openai"
    url = f"https://api.example.com/v1/{call}"
    return read_exchange(captured([body], url=url, provider=provider, bound=bound, response_type=content_type, **more))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("call", DOCUMENTS)
def test_the_usage_at_the_end_of_a_document_is_the_providers_word(call, indent):
    body = json.dumps({**DOCUMENTS[call], "usage": USAGE, **BEHIND}, indent=indent).encode()
    record = document(body, call)
    assert "captured but for" in note(record)
    outputs = 0 if call == "embeddings" else 20_002
    assert (record.usage_basis, record.input_tokens, record.output_tokens) == (
        "provider",
        8,
        outputs or record.output_tokens,
    )
    assert record.billable
    assert record.status.value == "ok"
    assert record.model == DOCUMENTS[call]["model"], "the beginning is read as before"


@pytest.mark.parametrize("call", DOCUMENTS)
@pytest.mark.parametrize(
    "end",
    [
        lambda whole: whole[:-1],  # the last brace is missing
        lambda whole: whole + b"}",
        lambda whole: whole.replace(b'"usage": {"input_tokens": 8', b'"use": {"input_tokens": 8'),
        lambda whole: whole.replace(b'"usage": {"input_tokens": 8', b'"usage": null, "use": {"input_tokens": 8'),
    ],
    ids=["cut", "one brace too many", "no usage", "null"],
)
def test_a_usage_that_is_not_certainly_the_documents_own_is_not_taken(call, end):
    whole = json.dumps({**DOCUMENTS[call], "usage": USAGE, **BEHIND}).encode()
    record = document(end(whole), call)
    assert (record.usage_basis, record.input_tokens, record.cost_usd) == ("none", None, None)


def test_a_usage_that_lies_in_the_gap_is_unknown():
    said = DOCUMENTS["chat/completions"]
    record = document(json.dumps({**said, "usage": USAGE, "more": "x" * 200_000}).encode())
    assert (record.model, record.usage_basis) == ("gpt-4o", "none")


def test_only_of_a_whole_json_document_the_end_is_read():
    body = json.dumps({**DOCUMENTS["chat/completions"], "usage": USAGE}).encode()
    assert document(body).usage_basis == "provider"
    assert document(body, content_type=b"application/x-ndjson").usage_basis == "none"
    assert document(body, outcome=Outcome.UPSTREAM_BROKE).usage_basis == "none"
    compressed = [header_field(8, b"content-encoding", b"gzip")]
    assert document(gzip.compress(body, 0), headers=compressed).usage_basis == "none"
    untouched = [header_field(8, b"content-encoding", b"identity")]
    assert document(body, headers=untouched).usage_basis == "provider"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_every_place_of_a_gap(end):
    stream = b"".join(b"data: %d" % number + end for number in range(100, 130))
    for at in range(0, len(stream), 3):
        for missing in range(1, len(stream) - at, 7):
            joined, fragment = bridge(stream[:at] + stream[at + missing :], at=at, missing=missing)
            found = [one.data for one in events_of(joined)]
            assert set(found) <= {b"%d" % number for number in range(100, 130)}, "no event is made of two"
            assert found == sorted(found)
            assert len(found) >= 30 - 4 - missing // len(b"data: 100" + end)
            assert fragment in stream


def test_usage_at_the_end_of_a_fragment():
    assert usage_at_end(b'text","usage":{"a":1},"metadata":{"usage":"x"}}}', depth=2) == {"a": 1}
    assert usage_at_end(b',\n  "usage" : {"a": {"b": 2}}\n}\n') == {"a": {"b": 2}}
    assert usage_at_end(b',"usage":{"a":1},"more":[{"x":0,"usage":{"a":2}}],"in":{"x":0,"usage":{"a":3}}}') == {"a": 1}
    assert usage_at_end(rb'he said, \"usage\":{\"a\":1}"}') == {}
    assert usage_at_end(rb'he said, "usage\":{\"a\":1}"}') == {}
    for junk in (b"", b',"usage":', b',"usage":{', b',"usage":[1]}', b',"usage":null}', b',"usage":' + b"[" * 100_000):
        assert usage_at_end(junk) == {}


def test_a_usage_that_is_not_the_answers_own_is_not_taken():
    inner = b'text"}],"in":{"x":0,"usage":{"a":3}}'
    assert usage_at_end(inner + b"}") == {}, "an inner object's"
    assert usage_at_end(inner) == {}, "an inner object's, and the end is missing"
    assert usage_at_end(b',"usage":{"a":1},"more":{"b":2}') == {}, "the end is missing"
    assert usage_at_end(b',"usage":{"a":1}}}') == {}, "deeper than it should be"
    assert usage_at_end(b',"usage":{"a":1}}', depth=2) == {}
    tricky = rb'text \\", {\"","in":{"x":"[{\"\\\\","usage":{"a":3}}'
    assert usage_at_end(tricky + b"}") == usage_at_end(tricky) == {}
    assert usage_at_end(b'text \\", {\\"","x":"{[","usage":{"a":1}}') == {"a": 1}, "brackets in strings are text"
    assert usage_at_end(b'{"usage":{"a":1}}') == {}, "a document of its own: the answer's began before the gap"


def test_a_gap_that_claims_nonsense_is_read_all_the_same():
    for at, missing in ((10**9, 5), (0, 2**60), (5, 1)):
        one = envelope(
            request=ASK,
            response=b"data: x\n\n" * 5,
            response_headers=SSE,
            response_gap_at=at,
            response_gap_bytes=missing,
        )
        assert read_exchange(one).kind
    assert one.kind is Kind.CLOSE
