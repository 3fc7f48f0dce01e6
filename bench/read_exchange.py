"""What reading and pricing one exchange costs: python -m bench.read_exchange

Budgets: a chat exchange of about 2 kB in 120 µs, a stream of 100 chunks in 1 ms, both with their price.
"""

import sys
import time
from collections.abc import Callable

import orjson

from ingestion.envelope import Envelope, Exchange, Kind, Outcome
from ingestion.exchange import read_exchange
from ingestion.price import price_record
from ingestion.prices.files import load_pricebook, load_rates

NOW = 1_790_000_000_000_000_000
WORDS = "The invoice of March lists three items whose tax was computed twice, so the total is too high by 18 percent. "


def envelope(*, stream: bool, chunks: int = 100) -> Envelope:
    """Return a chat exchange as the gateway captures it."""
    request = {
        "model": "gpt-4o",
        "temperature": 0.2,
        "stream": stream,
        "messages": [
            {"role": "system", "content": "You check invoices. " + WORDS * 2},
            {"role": "user", "content": WORDS * 4},
        ],
    }
    usage = {
        "prompt_tokens": 190,
        "completion_tokens": 96,
        "total_tokens": 286,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    head = {"id": "chatcmpl-B1", "created": 1790000000, "model": "gpt-4o-2024-08-06", "service_tier": "default"}
    if stream:
        head["object"] = "chat.completion.chunk"
        events = [
            {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
        ]
        events += [
            {**head, "choices": [{"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}]}
            for _ in range(chunks - 3)
        ]
        events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({**head, "choices": [], "usage": usage})
        body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"
        kind = b"text/event-stream; charset=utf-8"
    else:
        message = {"role": "assistant", "content": WORDS * 5, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        body = orjson.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        kind = b"application/json"
    asked = orjson.dumps(request)
    return Envelope(
        kind=Kind.CLOSE,
        project_id=7,
        received_ns=NOW,
        id=bytes(range(16)),
        records=1,
        exchange=Exchange(
            provider="openai",
            method="POST",
            url="https://api.openai.com/v1/chat/completions",
            request_headers=(
                (b"content-type", b"application/json"),
                (b"user-agent", b"OpenAI/Python 3.54.0"),
                (b"authorization", b"[redacted]"),
                (b"spanmeter-user-id", b"u-4711"),
                (b"spanmeter-session-id", b"s-1"),
                (b"spanmeter-tags", b"billing,nightly"),
                (b"spanmeter-property-plan", b"pro"),
            ),
            request_body=asked,
            request_bytes=len(asked),
            status=200,
            response_headers=((b"content-type", kind), (b"x-request-id", b"req_1"), (b"openai-processing-ms", b"311")),
            response_body=body,
            response_bytes=len(body),
            started_ns=NOW,
            first_byte_after_ns=200_000_000,
            first_body_after_ns=200_000_000,
            ended_after_ns=900_000_000,
            outcome=Outcome.COMPLETE,
            marks=(300, 200_000_000, 600, 210_000_000, 900, 220_000_000) if stream else (),
        ),
    )


def microseconds(work: Callable[[], object], *, rounds: int) -> float:
    """Return the time of one call in the best of nine rounds: the one that was least disturbed."""
    work()
    times = []
    for _ in range(9):
        started = time.perf_counter()
        for _ in range(rounds):
            work()
        times.append((time.perf_counter() - started) / rounds * 1e6)
    return min(times)


def main() -> int:
    """Print each row with its budget."""
    book, rates = load_pricebook(), load_rates()
    within = True
    for name, one, budget, rounds in (
        ("chat, whole", envelope(stream=False), 120.0, 500),
        ("chat, stream of 100 chunks", envelope(stream=True), 1000.0, 100),
    ):
        exchange = one.exchange
        size = len(exchange.request_body) + len(exchange.response_body) if exchange else 0
        record = read_exchange(one, book=book)
        reading = microseconds(lambda one=one: read_exchange(one, book=book), rounds=rounds)  # type: ignore[misc]
        pricing = microseconds(lambda record=record: price_record(record, book=book, rates=rates), rounds=rounds)  # type: ignore[misc]
        total = reading + pricing
        within = within and total <= budget
        print(f"{name:28} {size:6} bytes  read {reading:6.1f} µs  price {pricing:5.1f} µs  budget {budget:6.0f} µs")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
