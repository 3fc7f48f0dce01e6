"""One trace of the large store, found by its id alone."""

from bench.desk import Desk
from bench.row import Row
from bench.timed_get import timed_gets

NAME = "one trace by id over 10 M spans"
BUDGET = "<= 50 ms p95"


def measure(desk: Desk) -> Row:
    """Ids from the whole time range, each asked once, so that no cache of rows helps; a third as many others are asked
    before, so that what is measured is not the first requests of a new process.
    """
    spanmeter = desk.large
    client = spanmeter.store()
    ids = [
        row[0]
        for row in client.execute(
            "SELECT trace_id FROM trace_index ORDER BY cityHash64(trace_id) LIMIT %(count)s",
            {"count": 20 if desk.quick else 400},
        )
    ]
    spans = spanmeter.count(client)
    client.disconnect()
    paths = [f"/api/v1/traces/{trace_id}" for trace_id in ids]
    before = len(paths) // 4
    timed_gets(spanmeter, paths[:before])
    taken = timed_gets(spanmeter, paths[before:])
    p50, p95 = (taken[int(len(taken) * share)] * 1000 for share in (0.5, 0.95))
    return Row(
        NAME,
        BUDGET,
        f"{p95:.0f} ms p95, {p50:.0f} ms p50, {spans:,} spans",
        "met" if p95 <= 50 else "short",
        {"traces": len(taken), "spans": spans},
    )
