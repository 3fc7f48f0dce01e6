"""The rows, in the order of the table."""

from bench.row import Measure
from bench.rows import (
    disk,
    exchange_throughput,
    gateway_added_latency,
    gateway_first_token,
    gateway_throughput,
    idle,
    otlp_throughput,
    overview,
    sdk_call,
    start,
    trace_by_id,
    visible_latency,
)

__all__ = ["ROWS"]

ROWS: dict[str, Measure] = {
    "idle": idle,
    # The large store comes before the loads: what they leave to be merged would share the processors with it.
    "overview": overview,
    "trace_by_id": trace_by_id,
    "disk": disk,
    "gateway_throughput": gateway_throughput,
    "gateway_added_latency": gateway_added_latency,
    "gateway_first_token": gateway_first_token,
    "visible_latency": visible_latency,
    "otlp_throughput": otlp_throughput,
    "exchange_throughput": exchange_throughput,
    "sdk_call": sdk_call,
    "start": start,
}
