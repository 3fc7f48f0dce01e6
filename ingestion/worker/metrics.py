"""The status as Prometheus numbers, served when SPANMETER_INGEST_METRICS_PORT is set. Never asks the store."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingestion.worker.status import Status

__all__ = ["serve"]

_COUNTERS = ("records", "batches", "bytes", "replays", "torn_bytes", "interrupted", "freed_bytes", "errors")
_GAUGES = ("lag_seconds", "last_batch_seconds", "last_batch_records")


class _Numbers(Collector):
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        for name in _COUNTERS:
            yield CounterMetricFamily(f"spanmeter_ingest_{name}", f"{name} since start", getattr(self._status, name))
        for name in _GAUGES:
            yield GaugeMetricFamily(f"spanmeter_ingest_{name}", name, getattr(self._status, name))
        drops = CounterMetricFamily("spanmeter_ingest_drops", "records dropped, by reason", labels=["reason"])
        for reason, count in list(self._status.drops.items()):
            drops.add_metric([reason], count)
        yield drops


def serve(status: Status, port: int) -> None:
    """Serve the numbers on loopback."""
    registry = CollectorRegistry()
    registry.register(_Numbers(status))
    start_http_server(port, addr="127.0.0.1", registry=registry)
