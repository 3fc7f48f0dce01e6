"""Points → an OTLP metrics request. Pure: the time and what came before are given.

A counter carries the time it began at. Nobody tells when that was, so it is when the agent first saw it, and, when a
value falls, the last time at which it was still higher.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from spanmeter.gpu.point import Histogram, Instrument, Point

__all__ = ["Starts", "request"]

_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_MOST_SERIES = 50_000


class Starts:
    """Since when each counter counts. Bounded: past that many series, the ones not seen for longest are forgotten."""

    def __init__(self, *, most: int = _MOST_SERIES) -> None:
        self._seen: dict[Any, tuple[int, float, int]] = {}  # start, last value, last time
        self._most = most

    def of(self, point: Point, now_ns: int) -> int:
        """Return when the point's series began, and remember its value."""
        value = float(point.value.count if isinstance(point.value, Histogram) else point.value)
        before = self._seen.pop(point.series, None)
        start = now_ns if before is None else before[2] if value < before[1] else before[0]
        self._seen[point.series] = (start, value, now_ns)
        while len(self._seen) > self._most:
            self._seen.pop(next(iter(self._seen)))
        return start


def request(
    points: Iterable[Point], *, resource: Mapping[str, str], now_ns: int, starts: Starts, version: str = ""
) -> bytes:
    """Return the body of one export."""
    message = ExportMetricsServiceRequest()
    of_resource = message.resource_metrics.add()
    _attributes(of_resource.resource.attributes, resource)
    scope = of_resource.scope_metrics.add()
    scope.scope.name, scope.scope.version = "spanmeter.gpu", version
    metrics: dict[tuple[str, str, Instrument], Metric] = {}
    for point in points:
        key = (point.name, point.unit, point.instrument)
        if key not in metrics:
            metrics[key] = _metric(scope.metrics.add(name=point.name, unit=point.unit), point.instrument)
        _add(metrics[key], point, now_ns, starts)
    return bytes(message.SerializeToString())


def _metric(metric: Metric, instrument: Instrument) -> Metric:
    if instrument is Instrument.COUNTER:
        metric.sum.aggregation_temporality = _CUMULATIVE
        metric.sum.is_monotonic = True
    elif instrument is Instrument.HISTOGRAM:
        metric.histogram.aggregation_temporality = _CUMULATIVE
    else:
        metric.gauge.SetInParent()
    return metric


def _add(metric: Metric, point: Point, now_ns: int, starts: Starts) -> None:
    value = point.value
    if isinstance(value, Histogram):
        made: Any = metric.histogram.data_points.add(
            count=value.count, bucket_counts=value.counts, explicit_bounds=value.bounds
        )
        if value.sum is not None:
            made.sum = value.sum
    else:
        held: Sequence[Any] = (
            metric.sum.data_points if point.instrument is Instrument.COUNTER else metric.gauge.data_points
        )
        made = held.add()  # type: ignore[attr-defined]
        if isinstance(value, int):
            made.as_int = value
        else:
            made.as_double = value
    made.time_unix_nano = now_ns
    if point.instrument is not Instrument.GAUGE:
        made.start_time_unix_nano = starts.of(point, now_ns)
    _attributes(made.attributes, point.attributes)


def _attributes(into: Any, attributes: Mapping[str, str]) -> None:
    for key, text in attributes.items():
        into.add(key=key).value.string_value = text
