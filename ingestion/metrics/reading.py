"""A metrics message → samples, and what of it is lost and why. Pure.

Which attribute becomes which column stands here. What a body can grow to is bounded: every row repeats the labels of
its resource, so a small body could otherwise become a very large batch.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, MetricsData

from ingestion.metrics.points import (
    MOST_BUCKETS,
    Number,
    WrongPoint,
    exponential_numbers,
    histogram_numbers,
    summary_numbers,
)
from ingestion.records import GpuSample

__all__ = ["Lost", "Reading", "read"]

_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_NO_RECORDED_VALUE = 1
_FIRST_NS = 946_684_800 * 10**9  # 2000: before it no GPU was measured, and the clock is wrong
_DAY_NS = 86_400 * 10**9
_MOST_LABELS = 64
_LONGEST_KEY = 128
_LONGEST_TEXT = 256
_MOST_SAMPLES = 500_000
_MOST_LABEL_BYTES = 128 * 1024 * 1024
# The columns, and the attributes that may name them, the first that is there.
_HOST = ("spanmeter.gpu.host", "host.name", "host.id", "k8s.node.name")
_DEVICE = ("hw.id",)
_MODEL = ("gen_ai.request.model", "gen_ai.response.model")


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples of one body that will not be rows."""

    records: int
    detail: str


@dataclass(slots=True)
class Reading:
    """What a body held. `len(samples) + sum(lost)` is what the gateway counted."""

    samples: list[GpuSample] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> list[Lost]:
        """What is not a sample, by reason."""
        return [Lost(records, detail) for detail, records in self.reasons.items()]

    def lose(self, records: int, detail: str) -> None:
        """Count samples that cannot be rows."""
        if records:
            self.reasons[detail] = self.reasons.get(detail, 0) + records


@dataclass(frozen=True, slots=True)
class _Series:
    """What the numbers of one metric share."""

    name: str
    unit: str
    instrument: str


def read(data: MetricsData, *, project_id: int, received_ns: int) -> Reading:
    """Return every sample of a message."""
    reading = Reading()
    room = _MOST_LABEL_BYTES
    for of_resource in data.resource_metrics:
        resource = dict(_labels(of_resource.resource.attributes))
        for scope in of_resource.scope_metrics:
            for metric in scope.metrics:
                for series, point, numbers, size in _points(metric):
                    labels = {**resource, **dict(_labels(point.attributes))}
                    weight = size * sum(len(key) + len(text) for key, text in labels.items())
                    if len(reading.samples) + size > _MOST_SAMPLES or weight > room:
                        reading.lose(size, "the body holds more samples or labels than one request may")
                        continue
                    room -= weight
                    _take(reading, series, point, numbers, size, labels, project_id, received_ns)
    return reading


def _points(metric: Any) -> Iterator[tuple[_Series, Any, Iterable[Number], int]]:
    """Each data point with its numbers, and how many these are."""
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    if data is None:
        return
    delta = ".delta" if kind not in {"gauge", "summary"} and data.aggregation_temporality == _DELTA else ""
    instrument = {
        "gauge": "gauge",
        "sum": ("counter" if kind == "sum" and data.is_monotonic else "updown") + delta,
        "summary": "summary",
    }.get(kind, f"histogram{delta}")
    series = _Series(metric.name, metric.unit, instrument)
    for point in data.data_points:
        if kind in {"gauge", "sum"}:
            yield series, point, [("", "", "", _number(point))], 1
        elif kind == "histogram":
            size = 1 + point.HasField("sum") + len(point.bucket_counts)
            yield series, point, histogram_numbers(point), size
        elif kind == "exponential_histogram":
            buckets = len(point.positive.bucket_counts) + len(point.negative.bucket_counts) + 1
            yield series, point, exponential_numbers(point), 1 + point.HasField("sum") + buckets
        else:
            yield series, point, summary_numbers(point), 2 + len(point.quantile_values)


def _number(point: Any) -> float:
    kind = point.WhichOneof("value")
    return float(getattr(point, kind)) if kind else math.nan


def _take(
    reading: Reading,
    series: _Series,
    point: Any,
    numbers: Iterable[Number],
    size: int,
    labels: dict[str, str],
    project_id: int,
    received_ns: int,
) -> None:
    wrong = _wrong(series, point, size, received_ns)
    if wrong:
        reading.lose(size, wrong)
        return
    device, host, model = (_pop(labels, names) for names in (_DEVICE, _HOST, _MODEL))
    if not device and labels.get("server.address"):
        device = ":".join(part for part in (labels["server.address"], labels.get("server.port", "")) if part)
    try:
        found = list(numbers)
    except WrongPoint as error:
        reading.lose(size, f"{series.name}: {error}")
        return
    start_ns = point.start_time_unix_nano
    for suffix, label, text, value in found:
        if not math.isfinite(value):
            reading.lose(1, f"{series.name}{suffix}: the value is missing or not finite")
            continue
        reading.samples.append(
            GpuSample(
                project_id=project_id,
                metric=series.name + suffix,
                host=host,
                device=device,
                model=model,
                time_ns=point.time_unix_nano,
                value=value,
                unit=series.unit[:_LONGEST_KEY],
                instrument=series.instrument,
                start_ns=start_ns if _FIRST_NS <= start_ns <= point.time_unix_nano else 0,
                labels={**labels, label: text} if label else labels,
                received_ns=received_ns,
            )
        )


def _wrong(series: _Series, point: Any, size: int, received_ns: int) -> str:
    if not series.name or len(series.name) > 4 * _LONGEST_KEY:
        return f"the metric's name has {len(series.name)} characters"
    if point.flags & _NO_RECORDED_VALUE:
        return f"{series.name}: the sender says that there is no value"
    if not _FIRST_NS <= point.time_unix_nano <= received_ns + _DAY_NS:
        return f"{series.name}: the time {point.time_unix_nano} ns is before 2000 or more than a day ahead"
    if size > MOST_BUCKETS:
        return f"{series.name}: {size} numbers in one point, where {MOST_BUCKETS} are taken"
    return ""


def _pop(labels: dict[str, str], names: Iterable[str]) -> str:
    """Return the first of these that is there, and take it out of the labels."""
    for name in names:
        if labels.get(name):
            return labels.pop(name)
    return ""


def _labels(attributes: Any) -> Iterator[tuple[str, str]]:
    for attribute in attributes[:_MOST_LABELS]:
        yield attribute.key[:_LONGEST_KEY], _text(attribute.value)[:_LONGEST_TEXT]


def _text(value: Any) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "string_value":
        return str(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in {"int_value", "double_value"}:
        return str(getattr(value, kind))
    plain: Mapping[str, Any] = MessageToDict(value)
    return json.dumps(next(iter(plain.values()), ""), ensure_ascii=False, separators=(",", ":"))
