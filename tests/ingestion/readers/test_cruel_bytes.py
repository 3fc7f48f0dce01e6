"""A record from any bytes at all."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.envelope import Envelope, Exchange, Kind, Outcome
from ingestion.exchange import read_exchange
from ingestion.records import SpanRecord
from tests.ingestion.readers.recorded import ANSWER, ID, NOW, SSE, envelope, note

WORDS = [
    "model",
    "messages",
    "role",
    "content",
    "type",
    "text",
    "parts",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "id",
    "index",
    "delta",
    "choices",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "error",
    "message",
    "code",
    "output",
    "input",
    "system",
    "source",
    "data",
    "image_url",
    "url",
    "response",
    "item",
    "output_index",
    "content_block",
    "cache_creation",
    "input_tokens",
    "stream",
    "instructions",
    "summary",
    "action",
    "metadata",
    "user_id",
    "user",
    "conversation",
    "tools",
    "finish_reason",
    "stop_reason",
    "status",
]

SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["assistant", "text", "message", "tool_use", "response.completed", "data:image/png;base64,AA"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
PATHS = st.sampled_from(
    [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/else",
        "",
    ]
)


def check(record: SpanRecord) -> None:
    assert "failed:" not in note(record), note(record)
    assert all(quantity >= 0 for quantity in record.usage.values())
    assert len(record.trace_id) == 32
    assert len(record.span_id) == 16
    for name in ("input", "output", "model_parameters"):
        value = getattr(record, name)
        assert not value or isinstance(json.loads(value), list | dict)
    for name in record.__slots__:
        value = getattr(record, name)
        if isinstance(value, str):
            value.encode()
    json.dumps([record.attributes, record.properties, record.request_headers, record.tags]).encode()


@settings(max_examples=300)
@given(SHAPES, SHAPES, PATHS, st.booleans(), st.sampled_from([0, 200, 400, 500]))
def test_json_of_any_shape(asked, said, path, stream, status):
    body = json.dumps(said).encode()
    if stream:
        events = said if isinstance(said, list) else [said, said]
        body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    check(
        read_exchange(
            envelope(
                request=json.dumps(asked).encode(),
                response=body,
                response_headers=SSE if stream else {},
                url="https://api.openai.com" + path,
                status=status,
            )
        )
    )


@settings(max_examples=200)
@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    PATHS,
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "nope"]),
    st.lists(st.integers(0, 500), max_size=7),
    st.sampled_from(list(Outcome)),
    st.binary(max_size=20),
)
def test_any_bytes(asked, said, path, coding, marks, outcome, identity):
    made = envelope(
        request=asked,
        response=said,
        url="https://api.openai.com" + path,
        response_headers={**SSE, "content-encoding": coding},
        marks=tuple(marks),
        outcome=outcome,
    )
    check(read_exchange(Envelope(kind=made.kind, received_ns=NOW, id=identity, exchange=made.exchange)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"spanmeter-tags",
                    b"traceparent",
                    b"spanmeter-property-x",
                    b"spanmeter-trace-id",
                    b"spanmeter-parent-span-id",
                    b"content-type",
                    b"content-encoding",
                ]
            ),
            st.binary(max_size=60),
        )
    )
)
def test_any_headers(headers):
    check(
        read_exchange(
            Envelope(
                kind=Kind.CLOSE,
                id=ID,
                exchange=Exchange(
                    url="https://api.openai.com/v1/chat/completions",
                    method="POST",
                    request_headers=tuple(headers),
                    response_headers=tuple(headers),
                    request_body=b'{"model": "m"}',
                    response_body=ANSWER,
                ),
            )
        )
    )


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"choices":' * 10_000,
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b'{"model": "a\\u0000b", "choices": [{"message": {"content": "\\u0000"}}]}',
        b"\xff\xfe\x00",
        b"\0" * 100,
        b'{"usage": {"prompt_tokens": 1e400, "completion_tokens": 99999999999999999999999999}}',
        b"[]",
        b"3",
        b'"text"',
        b"null",
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages", "/x"])
def test_cruel_bodies(body, path):
    url = "https://api.openai.com" + path
    check(read_exchange(envelope(request=body, response=body, url=url)))
    stream = b"data: " + body + b"\n\n"
    check(read_exchange(envelope(request=body, response=stream, response_headers=SSE, url=url)))
    packed = gzip.compress(body)
    check(
        read_exchange(
            envelope(request=body, response=packed[:-9], response_headers={"content-encoding": "gzip"}, url=url)
        )
    )


def test_an_envelope_without_an_exchange_is_a_record_too():
    check(read_exchange(Envelope(kind=Kind.OPEN)))
