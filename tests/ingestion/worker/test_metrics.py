"""Metrics bodies through ingest: each number once, whatever is killed, resent, wrong or refused."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from ingestion.envelope import Envelope, Kind
from ingestion.records import GpuSample
from ingestion.store.writer import BatchWriter
from tests.ingestion.world import STEPS, Interrupt, World, interrupting, traces


def metrics(values: int, *, wrong: int = 0) -> MetricsData:
    """A gauge with so many points, a histogram (5 samples), and so many points without a value."""
    data = MetricsData()
    of_resource = data.resource_metrics.add()
    of_resource.resource.attributes.add(key="host.name").value.string_value = "node-1"
    scope = of_resource.scope_metrics.add()
    now_ns = time.time_ns()
    gauge = scope.metrics.add(name="hw.power", unit="W").gauge
    for number in range(values):
        gauge.data_points.add(as_double=100.5 + number, time_unix_nano=now_ns)
    for _ in range(wrong):
        gauge.data_points.add(as_double=float("nan"), time_unix_nano=now_ns)
    histogram = scope.metrics.add(name="gen_ai.server.time_to_first_token", unit="s").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        count=3, sum=1.5, bucket_counts=[1, 1, 1], explicit_bounds=[0.1, 1], time_unix_nano=now_ns
    )
    return data


def envelope(world: World, data: MetricsData, *, as_json: bool = False) -> Envelope:
    body = json.dumps(MessageToDict(data)).encode() if as_json else data.SerializeToString()
    return world.export(Kind.METRICS, body, as_json=as_json)


def samples(world: World) -> int:
    found: list[Any] = world.rows("SELECT count() FROM gpu_samples WHERE project_id = %(project)s")
    return int(found[0][0])


def fill(world: World) -> None:
    """Protobuf, JSON, the same once more, garbage, and spans beside them."""
    gateway = world.gateway()
    first = envelope(world, metrics(4, wrong=2))
    garbage = world.body(b"", records=3, kind=Kind.METRICS, payload=b"\xff\xff")
    world.put(gateway, first, world.body(traces(2), records=2), envelope(world, metrics(1), as_json=True))
    world.put(gateway, first, garbage)
    gateway.close()


@pytest.mark.parametrize("at", STEPS)
def test_a_kill_between_any_two_effects_changes_nothing(world: World, at: str) -> None:
    """Rows, drops and ledger are as if nothing had happened."""
    fill(world)
    try:
        world.ingest(step=interrupting(at)).drain()
    except Interrupt:
        world.ingest().drain()
    assert samples(world) == 4 + 5 + 1 + 5
    assert world.drops() == {"malformed_point": 2, "duplicate": 11, "malformed_body": 3}
    world.assert_settled(written=15 + 2, dropped=16)


def test_what_a_row_holds(world: World) -> None:
    """Metric, host, value, kind, start, bucket."""
    gateway = world.gateway()
    world.put(gateway, envelope(world, metrics(1)))
    gateway.close()
    world.ingest().drain()
    found = world.rows(
        "SELECT metric, host, value, unit, instrument, labels['le'] FROM gpu_samples "
        "WHERE project_id = %(project)s ORDER BY ALL"
    )
    assert found == [
        ("gen_ai.server.time_to_first_token.bucket", "node-1", 1.0, "s", "histogram", "0.1"),
        ("gen_ai.server.time_to_first_token.bucket", "node-1", 2.0, "s", "histogram", "1"),
        ("gen_ai.server.time_to_first_token.bucket", "node-1", 3.0, "s", "histogram", "+Inf"),
        ("gen_ai.server.time_to_first_token.count", "node-1", 3.0, "s", "histogram", ""),
        ("gen_ai.server.time_to_first_token.sum", "node-1", 1.5, "s", "histogram", ""),
        ("hw.power", "node-1", 100.5, "W", "gauge", ""),
    ]


class Picky(BatchWriter):
    """A store that refuses one value, however often it is asked."""

    def insert_gpu_samples(self, samples: Sequence[GpuSample], *, batch_id: int, token: str) -> None:
        if any(sample.value == 101.5 for sample in samples):
            raise OverflowError("101.5 does not fit")
        super().insert_gpu_samples(samples, batch_id=batch_id, token=token)


def test_a_number_that_the_store_refuses_takes_no_other_with_it(world: World) -> None:
    """It is a drop of its own; its neighbours are rows, once."""
    gateway = world.gateway()
    world.put(gateway, envelope(world, metrics(4)), envelope(world, metrics(1)))
    gateway.close()
    world.ingest(store=Picky(world.store.writer)).drain()
    assert samples(world) == 3 + 5 + 1 + 5
    assert world.drops() == {"refused_by_store": 1}
    world.assert_settled(written=14, dropped=1)
