"""From the 200 of an OTLP request to its trace in a query, under light load."""

import http.client
import time

from bench.desk import Desk
from bench.otlp_body import OtlpBodies
from bench.row import Row
from bench.visible import settle

NAME = "time from 200 to visible, light load"
BUDGET = "<= 2 s p99"


def measure(desk: Desk) -> Row:
    """One request of ten spans every 200 ms; the store is asked every 20 ms which of them it knows."""
    spanmeter = desk.spanmeter
    settle(spanmeter)  # what an earlier row left is not light load
    bodies = OtlpBodies(spans=10)
    connection = http.client.HTTPConnection("127.0.0.1", spanmeter.gateway_port, timeout=30)
    headers = {"Authorization": f"Bearer {spanmeter.key}", "Content-Type": "application/x-protobuf"}
    client = spanmeter.store()
    waiting: dict[str, float] = {}
    taken: list[float] = []
    left, next_send = 15 if desk.quick else 300, time.monotonic()
    deadline = next_send + left * 0.2 + 60
    while (left or waiting) and time.monotonic() < deadline:
        if left and time.monotonic() >= next_send:
            body, trace_id = bodies.next()
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise ConnectionError(f"the gateway answered {answer.status}")
            waiting[trace_id] = time.monotonic()
            left, next_send = left - 1, next_send + 0.2
        if waiting:
            seen = client.execute(
                "SELECT DISTINCT trace_id FROM trace_index WHERE trace_id IN %(ids)s", {"ids": tuple(waiting)}
            )
            now = time.monotonic()
            taken += [now - waiting.pop(trace_id) for (trace_id,) in seen]
        time.sleep(0.02)
    client.disconnect()
    connection.close()
    taken.sort()
    p50, p99 = (taken[int(len(taken) * share)] for share in (0.5, 0.99))
    return Row(
        NAME,
        BUDGET,
        f"{p99:.2f} s p99, {p50:.2f} s p50" + (f", {len(waiting)} never" if waiting else ""),
        "met" if p99 <= 2 and not waiting else "short",
        {"requests": len(taken), "never seen": len(waiting)},
    )
