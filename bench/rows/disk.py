"""Bytes on disk for one span of ~2 kB of varied text, indexes and roll-ups included."""

from bench.desk import Desk
from bench.row import Row

NAME = "disk per span of ~2 kB"
BUDGET = "<= 250 B on varied text"


def measure(desk: Desk) -> Row:
    """All active parts of all tables, divided by the spans."""
    spanmeter = desk.large
    client = spanmeter.store()
    sizes = dict(
        client.execute(
            "SELECT table, sum(bytes_on_disk) FROM system.parts "
            "WHERE active AND database = currentDatabase() GROUP BY table"
        )
    )
    spans = spanmeter.count(client)
    text = client.execute(
        "SELECT avg(length(input) + length(output) + length(raw_request) + length(raw_response)) FROM spans "
        "WHERE kind = 'llm' AND start_time > now() - INTERVAL 2 DAY"
    )[0][0]
    client.disconnect()
    each = sum(sizes.values()) / spans
    facts: dict[str, float | int | str] = {f"{table} B": round(size / spans, 1) for table, size in sizes.items()}
    facts |= {"spans": spans, "characters of text in an LLM span": round(text)}
    return Row(NAME, BUDGET, f"{each:,.0f} B", "met" if each <= 250 else "short", facts)
