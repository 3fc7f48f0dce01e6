"""Who a call belongs to: headers, trace context, the body."""

import pytest

from ingestion.exchange import read_exchange
from tests.ingestion.readers.recorded import ANSWER, ASK, ID, envelope, note


def test_attribution_headers():
    record = read_exchange(
        envelope(
            request={**ASK, "user": "body"},
            response=ANSWER,
            headers={
                "spanmeter-user-id": " u1 ",
                "spanmeter-session-id": "s1",
                "spanmeter-session-name": "Checkout",
                "spanmeter-trace-name": "answer",
                "spanmeter-trace-id": "0AF7651916CD43DD8448EB211C80319C",
                "spanmeter-parent-span-id": "b7ad6b7169203331",
                "spanmeter-tags": "a, b,,a",
                "spanmeter-property-plan": "pro",
                "spanmeter-environment": "staging",
                "spanmeter-release": "1.2.3",
                "spanmeter-prompt-name": "greet",
                "spanmeter-prompt-version": "4",
            },
        )
    )
    assert (record.user_id, record.session_id, record.session_name) == ("u1", "s1", "Checkout")
    assert (record.trace_name, record.environment, record.release) == ("answer", "staging", "1.2.3")
    assert (record.prompt_name, record.prompt_version) == ("greet", "4")
    assert (record.tags, record.properties) == (("a", "b"), {"plan": "pro"})
    assert (record.trace_id, record.parent_span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def test_the_body_names_the_user_when_no_header_does():
    assert read_exchange(envelope(request={**ASK, "user": "body"}, response=ANSWER)).user_id == "body"


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("headers", "trace_id", "parent", "noted"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, TRACE, SPAN, False),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-01-later"}, TRACE, SPAN, False),
        ({"traceparent": f"ff-{TRACE}-{SPAN}-01"}, ID.hex(), "", True),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, ID.hex(), "", True),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, ID.hex(), "", True),
        ({"traceparent": f"00-{TRACE[:-1]}-{SPAN}-01"}, ID.hex(), "", True),
        ({"traceparent": "nonsense"}, ID.hex(), "", True),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01", "spanmeter-trace-id": TRACE}, TRACE, SPAN, False),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01", "spanmeter-trace-id": "1" * 32}, "1" * 32, "", False),
        ({"spanmeter-trace-id": "0af76519-16cd-43dd-8448-eb211c80319c"}, TRACE, "", False),
        ({"spanmeter-trace-id": TRACE, "spanmeter-parent-span-id": "xyz"}, TRACE, "", True),
    ],
)
def test_trace_context(headers, trace_id, parent, noted):
    record = read_exchange(envelope(request=ASK, response=ANSWER, headers=headers))
    assert (record.trace_id, record.parent_span_id) == (trace_id, parent)
    assert ("ignored" in note(record)) is noted


def test_any_text_names_a_trace_and_the_same_text_the_same_one():
    records = [
        read_exchange(envelope(request=ASK, headers={"spanmeter-trace-id": name})) for name in ("a 1", "a 1", "b")
    ]
    assert records[0].trace_id == records[1].trace_id != records[2].trace_id
    assert len(records[0].trace_id) == 32
    assert records[0].attributes["spanmeter.trace_id"] == "a 1"
