"""Metrics bodies → samples: every kind of point, cruel ones, and the same count at the door as in the store."""

import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from ingestion.metrics import Reading, UnreadableMetrics, parse, read
from proxy.otlp_count import Malformed, count_json, count_protobuf

NOW = 1_780_000_000_000_000_000


def message(*metrics: dict[str, Any], resource: dict[str, str] | None = None) -> MetricsData:
    data = MetricsData()
    of_resource = data.resource_metrics.add()
    for key, text in (resource or {"host.name": "node-1"}).items():
        of_resource.resource.attributes.add(key=key).value.string_value = text
    scope = of_resource.scope_metrics.add()
    for fields in metrics:
        scope.metrics.add(**fields)
    return data


def reading(data: MetricsData) -> Reading:
    return read(data, project_id=7, received_ns=NOW)


def gauge(value: float, **more: Any) -> dict[str, Any]:
    return {"name": "m", "gauge": {"data_points": [{"as_double": value, "time_unix_nano": NOW, **more}]}}


def rows(data: MetricsData) -> dict[tuple[str, str], float]:
    return {(s.metric, s.labels.get("le", s.labels.get("quantile", ""))): s.value for s in reading(data).samples}


def test_columns_and_labels() -> None:
    """Host, device and model have columns of their own; the rest is labels; a point overrules its resource."""
    data = message(gauge(0.5), resource={"host.name": "node-1", "team": "a", "spanmeter.label.tier": "gold"})
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    for key, text in {"hw.id": "GPU-1", "gen_ai.request.model": "llama", "team": "b"}.items():
        point.attributes.add(key=key).value.string_value = text
    point.attributes.add(key="n").value.int_value = 3
    (sample,) = reading(data).samples
    assert (sample.host, sample.device, sample.model, sample.value) == ("node-1", "GPU-1", "llama", 0.5)
    assert sample.labels == {"team": "b", "spanmeter.label.tier": "gold", "n": "3"}
    assert (sample.instrument, sample.project_id, sample.time_ns) == ("gauge", 7, NOW)


def test_a_server_is_a_device_by_its_address() -> None:
    """Where there is no GPU to name."""
    data = message(gauge(1), resource={"server.address": "10.0.0.1", "server.port": "8000"})
    assert reading(data).samples[0].device == "10.0.0.1:8000"


@pytest.mark.parametrize(
    ("monotonic", "temporality", "instrument"),
    [(True, 2, "counter"), (True, 1, "counter.delta"), (False, 2, "updown"), (False, 1, "updown.delta")],
)
def test_sums_say_what_they_are(monotonic: bool, temporality: int, instrument: str) -> None:
    """Cumulative or delta, and since when."""
    points = [{"as_int": 5, "time_unix_nano": NOW, "start_time_unix_nano": NOW - 10}]
    data = message(
        {
            "name": "m",
            "sum": {"data_points": points, "is_monotonic": monotonic, "aggregation_temporality": temporality},
        }
    )
    (sample,) = reading(data).samples
    assert (sample.instrument, sample.value, sample.start_ns) == (instrument, 5.0, NOW - 10)


def test_histograms() -> None:
    """Count, sum and cumulative buckets by their upper bound."""
    point = {"count": 6, "sum": 9.5, "bucket_counts": [1, 2, 3], "explicit_bounds": [0.1, 1], "time_unix_nano": NOW}
    data = message({"name": "h", "histogram": {"data_points": [point], "aggregation_temporality": 2}})
    assert rows(data) == {
        ("h.count", ""): 6,
        ("h.sum", ""): 9.5,
        ("h.bucket", "0.1"): 1,
        ("h.bucket", "1"): 3,
        ("h.bucket", "+Inf"): 6,
    }
    assert {sample.instrument for sample in reading(data).samples} == {"histogram"}


def test_exponential_histograms_and_summaries() -> None:
    """In the same form."""
    exponential = {
        "count": 7,
        "scale": 0,
        "zero_count": 2,
        "positive": {"offset": 0, "bucket_counts": [3, 1]},
        "negative": {"offset": 0, "bucket_counts": [1]},
        "time_unix_nano": NOW,
    }
    data = message({"name": "e", "exponential_histogram": {"data_points": [exponential]}})
    assert rows(data) == {
        ("e.count", ""): 7,
        ("e.bucket", "-1"): 1,
        ("e.bucket", "0"): 3,
        ("e.bucket", "2"): 6,
        ("e.bucket", "4"): 7,
    }
    summary = {"count": 2, "sum": 3.0, "quantile_values": [{"quantile": 0.5, "value": 1.5}], "time_unix_nano": NOW}
    data = message({"name": "s", "summary": {"data_points": [summary]}})
    assert rows(data) == {("s.count", ""): 2, ("s.sum", ""): 3.0, ("s", "0.5"): 1.5}


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (gauge(math.nan), "not finite"),
        (gauge(math.inf), "not finite"),
        ({"name": "m", "gauge": {"data_points": [{"time_unix_nano": NOW}]}}, "missing"),
        (gauge(1, time_unix_nano=0), "before 2000"),
        (gauge(1, time_unix_nano=NOW + 10**15), "more than a day ahead"),
        (gauge(1, time_unix_nano=2**64 - 1), "more than a day ahead"),
        (gauge(1, flags=1), "there is no value"),
        ({**gauge(1), "name": ""}, "name has 0"),
    ],
)
def test_a_wrong_point_is_lost_with_its_reason(metric: dict[str, Any], why: str) -> None:
    """Never a zero; its neighbour stands."""
    found = reading(message(metric, gauge(2.0)))
    assert [sample.value for sample in found.samples] == [2.0]
    assert [lost.records for lost in found.lost] == [1]
    assert why in found.lost[0].detail


def test_a_histogram_that_contradicts_itself_is_lost_whole() -> None:
    """Its count and sum are not believed either."""
    point = {"count": 6, "sum": 1.0, "bucket_counts": [1, 2], "explicit_bounds": [0.1, 1], "time_unix_nano": NOW}
    found = reading(message({"name": "h", "histogram": {"data_points": [point]}}))
    assert (found.samples, found.lost[0].records) == ([], 4)


def test_a_small_body_does_not_become_a_huge_batch() -> None:
    """Labels are cut, and a body has room for so many of them."""
    wide = {f"key-{number}": "x" * 5000 for number in range(100)}
    data = message(*[gauge(1) for _ in range(12_000)], resource=wide)
    found = reading(data)
    assert max(len(text) for text in found.samples[0].labels.values()) == 256
    assert len(found.samples) < 12_000
    assert len(found.samples) + sum(lost.records for lost in found.lost) == 12_000
    buckets = {"count": 1, "bucket_counts": [0] * 5000, "explicit_bounds": list(range(4999)), "time_unix_nano": NOW}
    found = reading(message({"name": "h", "histogram": {"data_points": [buckets]}}))
    assert (len(found.samples), found.lost[0].records) == (0, 5001)


_COUNTS = st.lists(st.integers(0, 2**40), max_size=5)
_SUM: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"sum": st.floats(allow_nan=False, allow_infinity=False)})
)
_TIME = st.fixed_dictionaries({"time_unix_nano": st.sampled_from([NOW, 0])})
_NUMBER: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"as_int": st.integers(-5, 5)}), st.just({"as_double": 1.5}), st.just({})
)


def _merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def _points(strategy: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"data_points": st.lists(strategy, max_size=3)})


_METRIC = st.one_of(
    st.fixed_dictionaries({"name": st.just("g"), "gauge": _points(_merged(_NUMBER, _TIME))}),
    st.fixed_dictionaries({"name": st.just("s"), "sum": _points(_merged(_NUMBER, _TIME))}),
    st.fixed_dictionaries(
        {
            "name": st.just("h"),
            "histogram": _points(
                _merged(
                    st.fixed_dictionaries({"bucket_counts": _COUNTS, "explicit_bounds": st.just([1.0, 2.0])}),
                    _SUM,
                    _TIME,
                )
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "name": st.just("e"),
            "exponential_histogram": _points(
                _merged(
                    st.fixed_dictionaries(
                        {
                            "positive": st.fixed_dictionaries({"bucket_counts": _COUNTS}),
                            "negative": st.fixed_dictionaries({"bucket_counts": _COUNTS}),
                        }
                    ),
                    _SUM,
                    _TIME,
                )
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "name": st.just("q"),
            "summary": _points(
                _merged(st.just({"count": 1, "sum": 1.0, "quantile_values": [{"quantile": 0.9, "value": 2.0}]}), _TIME)
            ),
        }
    ),
    st.just({"name": "empty"}),
)


@given(st.lists(_METRIC, max_size=4))
def test_the_door_counts_what_the_store_gets(metrics: list[dict[str, Any]]) -> None:
    """Accepted is written plus dropped, in protobuf and in JSON, whole and cut anywhere."""
    data = message(*metrics)
    body = data.SerializeToString()
    found = reading(parse(body, json=False))
    total = len(found.samples) + sum(lost.records for lost in found.lost)
    assert count_protobuf(body, "metrics") == total
    text = json.dumps(MessageToDict(data)).encode()
    assert count_json(text, "metrics") == total
    again = reading(parse(text, json=True))
    assert again.samples == found.samples
    for end in range(len(body)):
        try:
            count_protobuf(body[:end], "metrics")
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("body", "json_form"),
    [
        (b"\xff\xff", False),
        (b"{", True),
        (b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5}]}]}]}', True),
        (b'{"resourceMetrics":{"a":1}}', True),
    ],
)
def test_a_body_that_is_none(body: bytes, json_form: bool) -> None:
    """Says what it is not."""
    with pytest.raises(UnreadableMetrics, match="no ExportMetricsServiceRequest in"):
        parse(body, json=json_form)


def test_json_as_collectors_write_it() -> None:
    """Numbers as text, exemplars with hex ids, fields nobody knows."""
    body = {
        "resourceMetrics": [
            {
                "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "n"}}]},
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": "m",
                                "future": 1,
                                "sum": {
                                    "aggregationTemporality": 2,
                                    "isMonotonic": True,
                                    "dataPoints": [
                                        {"asInt": "12", "timeUnixNano": str(NOW), "exemplars": [{"traceId": "zz"}]}
                                    ],
                                },
                            }
                        ]
                    }
                ],
            }
        ]
    }
    (sample,) = reading(parse(json.dumps(body).encode(), json=True)).samples
    assert (sample.host, sample.value, sample.instrument) == ("n", 12.0, "counter")
