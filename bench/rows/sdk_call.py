"""What one decorated call of the client library costs, beside a bare OpenTelemetry span with two attributes.

Both export to the same gateway-shaped upstream, in turn, in a process of their own each round; Langfuse's decorator is
measured beside them where it is installed. What a full queue leaves out is counted in the facts.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.desk import Desk
from bench.row import Row

NAME = "SDK, one decorated call, exporter on"
BUDGET = "<= 2 x a raw OpenTelemetry span"
LIMIT = 2.0
SOURCE = Path(__file__).parents[2] / "sdk_python" / "src"
# What runs is the same function; `measured` prints microseconds a call and how many spans were exported.
_COMMON = """
import gc, json, sys, time
def work(question, limit):
    return {"answer": question, "limit": limit}
def measured(call, finish, calls):
    for _ in range(500):
        call("what is it", 3)
    took = []
    for _ in range(5):
        # A pause between bursts, so that the queue is empty again and each call is recorded, not refused.
        time.sleep(0.3)
        begun = time.perf_counter()
        for _ in range(calls):
            call("what is it", 3)
        took.append((time.perf_counter() - begun) / calls * 1e6)
    print(json.dumps({"us": min(took), "dropped": finish()}))
origin, calls = sys.argv[1], int(sys.argv[2])
"""
PROGRAMS = {
    "bare function": "measured(work, lambda: 0, calls)",
    "OpenTelemetry": """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(origin + "/v1/traces"), max_queue_size=8192))
tracer = provider.get_tracer("bench")
def call(question, limit):
    with tracer.start_as_current_span("work") as span:
        span.set_attribute("input", question)
        result = work(question, limit)
        span.set_attribute("output", "known")
    return result
def finish():
    provider.shutdown()
    return 0
measured(call, finish, calls)
""",
    "Spanmeter": """
import spanmeter
spanmeter.configure(base_url=origin, api_key="sm-sk-bench", spool_directory="off")
def finish():
    spanmeter.flush(20)
    return sum(spanmeter.stats()["dropped"].values())
measured(spanmeter.observe(work), finish, calls)
""",
    "Langfuse": """
import logging, os
logging.disable(logging.CRITICAL)
os.environ |= {"LANGFUSE_PUBLIC_KEY": "pk-lf-bench", "LANGFUSE_SECRET_KEY": "sk-lf-bench", "LANGFUSE_HOST": origin}
from langfuse import get_client, observe
get_client()
measured(observe(work), lambda: 0, calls)
""",
}


def measure(desk: Desk) -> Row:
    """Rounds of all in turn; the ratio of the medians is what counts, since the machine may be busy."""
    names = [name for name in PROGRAMS if name != "Langfuse" or find_spec("langfuse")]
    origin = f"http://127.0.0.1:{desk.upstream}"
    rounds = 2 if desk.quick else 5
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(_run(name, origin, 300 if desk.quick else 1500))
    cost = {name: statistics.median(float(one["us"]) for one in taken[name]) for name in names}
    ratio = cost["Spanmeter"] / cost["OpenTelemetry"]
    facts: dict[str, float | int | str] = {f"{name} us": round(value, 1) for name, value in cost.items()}
    facts["ratio"] = round(ratio, 2)
    facts["dropped"] = sum(int(one["dropped"]) for one in taken["Spanmeter"])
    peers = _peers(cost, names)
    measured = f"{cost['Spanmeter']:.0f} us, {ratio:.2f} x OpenTelemetry's {cost['OpenTelemetry']:.0f} us{peers}"
    return Row(NAME, BUDGET, measured, "met" if ratio <= LIMIT else "short", facts)


def _peers(cost: dict[str, float], names: Sequence[str]) -> str:
    return f"; Langfuse {cost['Langfuse']:.0f} us" if "Langfuse" in names else ""


def _run(name: str, origin: str, calls: int) -> dict[str, Any]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPANMETER_", "OTEL_", "LANGFUSE_"))}
    done = subprocess.run(
        [sys.executable, "-c", _COMMON + PROGRAMS[name], origin, str(calls)],
        env=kept | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
