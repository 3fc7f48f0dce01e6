"""The overview over the large store."""

from bench.desk import Desk
from bench.row import Row
from bench.timed_get import timed_gets

NAME = "overview page over 10 M spans"
BUDGET = "<= 300 ms p95, server side"
RANGES = ("1h", "24h", "7d", "30d")


def measure(desk: Desk) -> Row:
    """The JSON twin runs the page's queries; every range in turn, nothing cached between."""
    spanmeter = desk.large
    facts: dict[str, float | int | str] = {}
    slowest = 0.0
    for name in RANGES:
        taken = timed_gets(spanmeter, [f"/api/v1/overview?range={name}"] * (5 if desk.quick else 40))[:]
        p95 = taken[int(len(taken) * 0.95)]
        facts[f"{name} p95 ms"] = round(p95 * 1000)
        slowest = max(slowest, p95)
    client = spanmeter.store()
    facts["spans"] = spanmeter.count(client)
    client.disconnect()
    measured = f"{slowest * 1000:,.0f} ms p95 (the slowest of {', '.join(RANGES)}), {facts['spans']:,} spans"
    return Row(NAME, BUDGET, measured, "met" if slowest <= 0.3 else "short", facts)
