"""UUIDv7: sorts by time, says its version, and never repeats."""

import uuid

from ingestion.ids import span_id_of, trace_id_of, uuid7_bytes, uuid_text

NOW = 1_790_000_000_123_456_789


def test_it_is_a_uuid_of_version_7_that_carries_its_millisecond() -> None:
    raw = uuid7_bytes(now_ns=NOW)
    parsed = uuid.UUID(bytes=raw)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert int.from_bytes(raw[:6], "big") == NOW // 1_000_000
    assert uuid_text(raw) == str(parsed)


def test_later_ids_sort_later() -> None:
    ids = [uuid7_bytes(now_ns=NOW + step * 1_000_000) for step in range(100)]
    assert ids == sorted(ids)


def test_ids_of_one_instant_differ_in_trace_and_in_span() -> None:
    ids = [uuid7_bytes(now_ns=NOW) for _ in range(1000)]
    assert len({trace_id_of(raw) for raw in ids}) == 1000
    assert len({span_id_of(raw) for raw in ids}) == 1000
    assert (len(trace_id_of(ids[0])), len(span_id_of(ids[0]))) == (32, 16)
