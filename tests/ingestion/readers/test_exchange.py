"""Exchange to span: who, when, how it ended, what is stored; and a record from any bytes at all."""

import json
import zlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ingestion.envelope import Kind, Outcome
from ingestion.exchange import read_exchange
from ingestion.price import price_record
from ingestion.prices.files import load_pricebook, load_rates
from ingestion.records import CostStatus, SpanKind, SpanStatus
from ingestion.redact import Redactor
from ingestion.sse import decode
from tests.ingestion.readers.recorded import ANSWER, ASK, ID, NOW, SAY, SSE, envelope, load, note


def stream_of(*deltas: dict) -> bytes:
    chunks = [{"id": "c1", "model": "gpt-4o", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def test_ids_times_and_headers():
    record = read_exchange(envelope(request=ASK, response=ANSWER))
    assert record.request_id == "0199ad8a-c580-7000-8899-aabbccddeeff"
    assert (record.trace_id, record.span_id) == (ID.hex(), ID[8:].hex())
    assert (record.start_ns, record.end_ns, record.received_ns) == (NOW, NOW + 900, NOW + 5)
    assert record.request_headers == {"content-type": "application/json"}
    assert (record.project_id, record.http_status, record.client_address) == (7, 200, "10.0.0.9")
    assert record.attributes["server.address"] == "api.openai.com"
    assert json.loads(record.raw_response) == SAY
    assert note(record) == ""


@pytest.mark.parametrize(
    ("exchange", "status", "error_type", "cost_status"),
    [
        ({}, SpanStatus.OK, "", CostStatus.UNPRICED),
        ({"outcome": Outcome.CLIENT_GONE}, SpanStatus.CANCELLED, "", CostStatus.UNPRICED),
        ({"outcome": Outcome.SHUTDOWN}, SpanStatus.INTERRUPTED, "interrupted", CostStatus.UNPRICED),
        (
            {"outcome": Outcome.UPSTREAM_UNREACHABLE, "status": 0, "response": b""},
            SpanStatus.ERROR,
            "upstream_unreachable",
            CostStatus.NOT_BILLABLE,
        ),
        (
            {"outcome": Outcome.UPSTREAM_TIMEOUT, "status": 0, "response": b""},
            SpanStatus.ERROR,
            "upstream_timeout",
            CostStatus.NO_USAGE,
        ),
        ({"status": 500, "response": b"oops"}, SpanStatus.ERROR, "500", CostStatus.NOT_BILLABLE),
        ({"status": 502, "response": b"<html>"}, SpanStatus.ERROR, "502", CostStatus.NOT_BILLABLE),
        ({"status": 307, "response": b""}, SpanStatus.UNSET, "", CostStatus.NOT_BILLABLE),
        (
            {"response": b'{"error": {"message": "no", "code": 502}}'},
            SpanStatus.ERROR,
            "502",
            CostStatus.NO_USAGE,
        ),
    ],
)
def test_how_it_ended(exchange, status, error_type, cost_status):
    record = read_exchange(envelope(request=ASK, **{"response": ANSWER, **exchange}))
    assert (record.status, record.error_type, record.cost_status) == (status, error_type, cost_status)
    assert record.billable is (cost_status is not CostStatus.NOT_BILLABLE)


@pytest.mark.parametrize(
    "exchange",
    [
        {"status": 429, "response": b'{"error": {"message": "slow down", "type": "tokens"}}'},
        {"status": 502, "response": b"<html>"},
        {"status": 0, "outcome": Outcome.UPSTREAM_UNREACHABLE},
        {"status": 0, "outcome": Outcome.UPSTREAM_TIMEOUT},
        {"status": 0, "outcome": Outcome.CLIENT_GONE},
        {"status": 0, "outcome": Outcome.UNKNOWN, "kind": Kind.OPEN},
    ],
    ids=str,
)
def test_a_call_without_an_answer_is_of_the_model_that_was_asked_for_and_costs_nothing(exchange):
    record = price_record(read_exchange(envelope(request=ASK, **exchange)), book=load_pricebook(), rates=load_rates())
    assert (record.model, record.model_requested) == ("gpt-4o", "gpt-4o")
    assert (record.cost, record.cost_usd, record.price_id, record.usage) == (None, None, "", {})


def test_the_model_that_answered_stands_before_the_one_that_was_asked_for():
    record = read_exchange(envelope(request={**ASK, "model": "gpt-latest"}, response=ANSWER))
    assert (record.model, record.model_requested) == ("gpt-4o", "gpt-latest")


def test_a_stream_that_broke_before_it_said_its_model_keeps_its_estimate():
    said = b'data: {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hello there"}}]}\n\n'
    broken = envelope(
        request={**ASK, "stream": True}, response=said, response_headers=SSE, outcome=Outcome.UPSTREAM_BROKE
    )
    record = price_record(read_exchange(broken), book=load_pricebook(), rates=load_rates())
    assert (record.model, record.usage_basis, record.cost_status) == ("gpt-4o", "estimated", CostStatus.PRICED)
    assert record.usage["output"] == 2
    assert record.cost


def test_an_open_without_its_close_is_interrupted_with_its_request():
    record = read_exchange(envelope(request=ASK, kind=Kind.OPEN, status=0, outcome=Outcome.UNKNOWN, ended_after_ns=0))
    assert (record.status, record.name, record.input_preview) == (SpanStatus.INTERRUPTED, "chat gpt-4o", "hi")
    assert (record.cost_status, record.cost_reason) == (CostStatus.NO_USAGE, "interrupted")
    assert record.end_ns == record.start_ns


def test_time_to_first_token_is_when_its_last_byte_had_come():
    body = stream_of({"role": "assistant", "content": ""}, {"content": "Hi"}, {"content": " you"})
    role, first = body.index(b"\n\n"), body.index(b"\n\n", body.index(b"\n\n") + 2)
    ask = {**ASK, "stream": True}
    timed: dict[str, Any] = {"response": body, "response_headers": SSE}
    assert read_exchange(envelope(request=ask, marks=(role + 2, 10, first - 1, 20, first, 30), **timed)).ttft_ns == 30
    assert read_exchange(envelope(request=ask, marks=(role, 10, len(body), 40), **timed)).ttft_ns == 40
    assert read_exchange(envelope(request=ask, marks=(), **timed)).ttft_ns == 150
    late = read_exchange(envelope(request=ask, marks=(role, 10), **timed))
    assert late.ttft_ns == 10
    assert "lower bound" in note(late)


@pytest.mark.parametrize(
    ("delta", "counts"),
    [
        ({"content": "x"}, True),
        ({"reasoning_content": "x"}, True),
        ({"refusal": "x"}, True),
        ({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]}, True),
        ({"role": "assistant", "content": ""}, False),
        ({}, False),
    ],
)
def test_what_counts_as_a_token(delta, counts):
    body = stream_of(delta)
    record = read_exchange(
        envelope(request={**ASK, "stream": True}, response=body, response_headers=SSE, marks=(len(body), 70))
    )
    assert record.ttft_ns == (70 if counts else None)


def test_a_compressed_stream_is_timed_by_its_wire_bytes():
    packer = zlib.compressobj(wbits=31)
    deltas = ({"role": "assistant"}, {"content": "Hi"})
    pieces = [packer.compress(stream_of(delta)) + packer.flush(zlib.Z_SYNC_FLUSH) for delta in deltas]
    pieces.append(packer.flush())
    marks = (len(pieces[0]), 10, len(pieces[0] + pieces[1]), 20)
    record = read_exchange(
        envelope(
            request={**ASK, "stream": True},
            response=b"".join(pieces),
            response_headers={**SSE, "content-encoding": "gzip"},
            marks=marks,
        )
    )
    assert (record.ttft_ns, record.output_preview) == (20, "Hi")


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("openai/chat_stream", b"Thiru"),
        ("openai/chat_tool_calls_stream", b"call_1"),
        ("openai/responses_stream", b"response.reasoning_summary_text.delta"),
        ("anthropic/messages_stream", b"thinking_delta"),
        ("llama_cpp/chat_stream", b"content"),
        ("deepseek/reasoning_stream", b"Let me think."),
    ],
)
def test_the_first_token_of_every_kind_of_stream(case, first):
    made, _ = load(case)
    assert made.exchange is not None
    events = decode(made.exchange.response_body)
    index = next(i for i, event in enumerate(events) if first in event.data and b'"content":null' not in event.data)
    marks = tuple(number for i, event in enumerate(events[:30]) for number in (event.end, 1000 + i))
    record = read_exchange(replace(made, exchange=replace(made.exchange, marks=marks)))
    assert record.ttft_ns == 1000 + index


def test_answers_that_are_not_streamed_have_no_first_token():
    assert read_exchange(envelope(request=ASK, response=ANSWER)).ttft_ns is None


def test_an_estimate_is_marked_and_says_how_wrong_it_may_be():
    record = read_exchange(envelope(request=ASK, response=json.dumps({**SAY, "usage": None}).encode()))
    assert record.usage_basis == "estimated"
    assert record.usage == {"input": Decimal(1 + 4 + 3), "output": Decimal(1)}
    assert "own encoding" in record.attributes["spanmeter.estimate"]
    odd = read_exchange(envelope(request={**ASK, "model": "smollm2"}, response=b'{"choices": []}'))
    assert "not this model's" in odd.attributes["spanmeter.estimate"]


def test_a_capture_that_was_cut_is_never_estimated():
    body = stream_of({"content": "Hi"})
    record = read_exchange(
        envelope(request={**ASK, "stream": True}, response=body, response_headers=SSE, response_bytes=10**7)
    )
    assert (record.usage_basis, record.cost_status) == ("none", CostStatus.NO_USAGE)
    assert "captured up to" in note(record)


def test_a_request_cut_by_the_capture_still_names_its_model():
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 1000}]}).encode()[:500]
    record = read_exchange(envelope(request=body, response=ANSWER, request_bytes=1100))
    assert (record.model_requested, record.usage_basis) == ("gpt-4o", "provider")
    assert "request captured up to 500 of 1100 bytes" in note(record)


def test_a_broken_anthropic_stream_counts_what_arrived():
    made, _ = load("anthropic/messages_stream_broken")
    record = read_exchange(made)
    assert record.usage["input"] == 50
    assert record.output_tokens in range(3, 9)  # the provider's last count was 1
    assert "counted from what arrived" in note(record)


def test_azure_takes_the_model_of_the_answer_and_the_deployment_of_the_path():
    record = read_exchange(
        envelope(
            request={"messages": []},
            response=ANSWER,
            provider="custom",
            url="https://acme.openai.azure.com/openai/deployments/prod-4o/chat/completions?api-version=2024-10-21",
        ),
        book=load_pricebook(),
    )
    assert (record.provider, record.model_requested, record.model) == ("azure", "prod-4o", "gpt-4o")


def test_a_custom_upstream_that_nobody_knows_stays_custom():
    made = envelope(request=ASK, response=ANSWER, provider="custom", url="http://10.1.2.3:8000/v1/chat/completions")
    assert read_exchange(made, book=load_pricebook()).provider == "custom"


def test_vectors_are_not_stored():
    made, _ = load("openai/embeddings")
    record = read_exchange(made)
    assert "AAAA" not in record.raw_response
    assert "characters of base64" in record.raw_response
    assert record.attributes["embeddings.count"] == "2"


def test_binary_bodies_are_described():
    record = read_exchange(
        envelope(
            request={"model": "tts-1", "input": "hi"},
            response=b"ID3\x00\xff" * 100,
            response_headers={"content-type": "audio/mpeg"},
            url="https://api.openai.com/v1/audio/speech",
        )
    )
    assert record.raw_response.startswith("[audio/mpeg, 500 bytes, sha256 ")
    assert (record.kind, record.name) == (SpanKind.SPAN, "POST /v1/audio/speech")


def test_large_images_become_a_marker():
    image = "data:image/png;base64," + "A" * 400_000
    ask = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]}],
    }
    (message,) = json.loads(read_exchange(envelope(request=ask, response=ANSWER)).input)
    (part,) = message["parts"]
    assert (part["type"], part["omitted"], part["size"]) == ("blob", True, 300_000)
    assert "content" not in part


SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123"


def test_provider_keys_never_reach_a_column():
    ask = {**ASK, "messages": [{"role": "user", "content": f"my key is {SECRET}"}], "note": SECRET}
    say = json.dumps({**SAY, "choices": [{"message": {"content": f"{SECRET} it is"}}]}).encode()
    record = read_exchange(envelope(request=ask, response=say))
    assert SECRET not in repr(record)
    assert "[redacted:secret]" in record.input_preview
    assert "[redacted:secret]" in record.output_preview
    json.loads(record.raw_request)


def test_a_secret_spread_over_chunks_takes_the_raw_stream_with_it():
    body = stream_of(*({"content": SECRET[i : i + 3]} for i in range(0, len(SECRET), 3)))
    record = read_exchange(envelope(request={**ASK, "stream": True}, response=body, response_headers=SSE))
    assert (record.raw_response, record.output_preview) == ("", "[redacted:secret]")
    assert "raw stream not kept" in note(record)


def test_chosen_masks_keep_json_whole():
    ask = {**ASK, "messages": [{"role": "user", "content": "line\nana@example.com"}]}
    record = read_exchange(envelope(request=ask, response=ANSWER), redactor=Redactor(["email"]))
    assert "ana@example.com" not in repr(record)
    assert json.loads(record.raw_request)["messages"][0]["content"] == "line\n[redacted:email]"


def test_without_anything_to_mask_the_bytes_stay_as_they_came():
    odd = b'{ "model":"gpt-4o" , "messages":[{"role":"user","content":"a task-force of 3"}]}'
    assert read_exchange(envelope(request=odd, response=ANSWER)).raw_request == odd.decode()
