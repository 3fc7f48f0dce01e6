"""The recorder by itself: events and times in, one envelope out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.envelope import Kind, Outcome, address_field, request_fields
from ingestion.envelope.decode import decode
from ingestion.spool.segment import walk
from proxy.capture import Capture
from proxy.secrets import is_secret, redact_query

START = 10_000


def capture(bound=1000):
    return Capture(
        id=bytes(range(16)),
        project_id=2**53 - 1,
        key_id=7,
        request=request_fields(provider="openai", method="POST", url="https://x/y", headers=[(b"a", b"b")]),
        bound=bound,
        client_address=address_field("10.0.0.1"),
        wall_ns=1_795_325_000_000_000_000,
        now=START,
    )


def envelope(parts):
    (frame,) = walk(b"".join(parts))
    return decode(frame.message)


def test_an_exchange():
    recorder = capture()
    recorder.request_body(b"ask")
    opened = envelope(recorder.open_frame())
    assert (opened.kind, opened.records, opened.exchange.request_body) == (Kind.OPEN, 0, b"ask")
    recorder.request_body(b"ed")
    recorder.request_sent(START + 5)
    recorder.first_byte(START + 20)
    recorder.first_byte(START + 25)
    recorder.response_head(201, [])
    for number in range(100):
        recorder.response_body([b"x", b"y"], START + 30 + number)
    closed = envelope(recorder.close_frame(outcome=Outcome.COMPLETE, detail="fine", now=START + 500))
    assert (closed.kind, closed.records, closed.project_id, closed.key_id) == (Kind.CLOSE, 1, 2**53 - 1, 7)
    assert closed.id == opened.id
    exchange = closed.exchange
    assert exchange.request_headers == ((b"a", b"b"),)
    assert (exchange.request_body, exchange.request_bytes, exchange.status) == (b"asked", 5, 201)
    assert (exchange.provider, exchange.method, exchange.url) == ("openai", "POST", "https://x/y")
    assert exchange.started_ns == closed.received_ns == 1_795_325_000_000_000_000
    assert exchange.client_address == "10.0.0.1"
    after = (
        exchange.sent_after_ns,
        exchange.first_byte_after_ns,
        exchange.first_body_after_ns,
        exchange.ended_after_ns,
    )
    assert after == (5, 20, 30, 500)
    assert exchange.response_body == b"xy" * 100
    assert exchange.marks[:4] == (2, 30, 4, 31)
    assert len(exchange.marks) == 128, "64 pairs and no more"
    assert exchange.outcome_detail == "fine"


def test_nothing_was_answered():
    closed = envelope(capture().close_frame(outcome=Outcome.CLIENT_GONE, detail="", now=START + 1)).exchange
    assert (closed.status, closed.first_byte_after_ns, closed.first_body_after_ns, closed.marks) == (0, 0, 0, ())
    assert closed.outcome is Outcome.CLIENT_GONE


@given(st.lists(st.binary(min_size=1, max_size=40_000), max_size=6), st.integers(0, 50_000), st.booleans())
@settings(deadline=None, max_examples=60)
def test_bodies_are_kept_up_to_the_bound_and_counted_whole(pieces, bound, together):
    recorder = capture(bound)
    for piece in pieces:
        recorder.request_body(piece)
    if pieces and together:
        recorder.response_body(pieces, START)
    for piece in () if together else pieces:
        recorder.response_body([piece], START)
    recorder.open_frame()
    exchange = envelope(recorder.close_frame(outcome=Outcome.COMPLETE, detail="", now=START)).exchange
    whole = b"".join(pieces)
    assert exchange.request_body == whole[:bound]
    assert len(exchange.response_body) == min(bound, len(whole))
    at, missing = exchange.response_gap_at, exchange.response_gap_bytes
    assert missing == max(0, len(whole) - bound)
    if missing:
        assert whole == exchange.response_body[:at] + whole[at : at + missing] + exchange.response_body[at:]
    else:
        assert exchange.response_body == whole
    assert exchange.request_bytes == exchange.response_bytes == len(whole)
    assert recorder.replayable == (len(whole) <= bound)


def test_the_end_of_a_large_answer_is_kept():
    recorder = capture(1024 * 1024)
    recorder.response_head(200, [])
    pieces = [b"%07d\n" % number * 100 for number in range(4000)]
    for number, piece in enumerate(pieces):
        recorder.response_body([piece], START + number)
    assert sum(map(len, [*recorder.response_pieces, recorder._tail])) < 1024 * 1024 + 80_000, (
        "no more than was asked for"
    )
    exchange = envelope(recorder.close_frame(outcome=Outcome.COMPLETE, detail="", now=START)).exchange
    whole = b"".join(pieces)
    assert exchange.response_bytes == len(whole) == 3_200_000
    assert exchange.response_gap_at == 1024 * 1024 - 65536
    assert exchange.response_gap_bytes == len(whole) - 1024 * 1024
    assert exchange.response_body == whole[: exchange.response_gap_at] + whole[-65536:]


def test_secrets():
    for name in (b"authorization", b"x-api-key", b"cookie", b"set-cookie", b"x-goog-api-key", b"api-subscription-key"):
        assert is_secret(name)
    for name in (b"modal-key", b"modal-secret", b"x-amz-security-token", b"x-service-authorization", b"helicone-auth"):
        assert is_secret(name)
    for name in (b"idempotency-key", b"content-type", b"x-ratelimit-remaining-tokens", b"openai-organization"):
        assert not is_secret(name)
    assert redact_query(b"/a?key=1&b=2") == b"/a?key=[redacted]&b=2"
    assert redact_query(b"/a?b=key=1&X-Amz-Signature=abc#f") == b"/a?b=key=1&X-Amz-Signature=[redacted]#f"
    assert redact_query(b"/a?max_tokens=5&monkey_business=1") == b"/a?max_tokens=5&monkey_business=1"
    assert redact_query(b"/key=1") == b"/key=1"
