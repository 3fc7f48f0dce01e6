"""OTLP spans a second, from the first byte sent until the last span is seen by a query: 100-span requests of ~2 kB
spans.

The sender stops at two million spans, about half of what the spool holds: a fast machine takes them far faster than
they can be stored, and beyond the spool's bound it would measure refusals.
"""

import json
import subprocess
import sys

from bench.desk import Desk
from bench.row import Row
from bench.visible import seconds_until_visible, settle

NAME = "OTLP, sustained and visible in a query"
BUDGET = ">= 50,000 spans/s, none refused"
SPANS = 100
MOST = 2_000_000


def measure(desk: Desk) -> Row:
    """Send for a while at full speed, then wait for all of it: a spool that grows does not help the number."""
    spanmeter = desk.spanmeter
    before = settle(spanmeter)
    seconds = desk.seconds if desk.quick else desk.seconds * 3
    output = subprocess.check_output(
        [sys.executable, "-m", "bench.otlp_sender", "--port", str(spanmeter.gateway_port), "--key", spanmeter.key,
         "--seconds", str(seconds), "--spans", str(SPANS), "--most", str(MOST)],
        text=True,
    )  # fmt: skip
    sent = json.loads(output)
    spans = sent["accepted"] * SPANS
    taken = seconds_until_visible(spanmeter, at_least=before + spans, since=sent["began"])
    accepted_rate = spans / (sent["ended"] - sent["began"])
    visible_rate = spans / taken
    return Row(
        NAME,
        BUDGET,
        f"{visible_rate:,.0f} spans/s visible ({accepted_rate:,.0f} accepted), {sent['refused']} requests refused",
        "met" if visible_rate >= 50_000 and not sent["refused"] else "short",
        {
            "spans": spans,
            "bytes a span": round(sent["body_bytes"] / SPANS),
            "seconds sending": round(sent["ended"] - sent["began"], 2),
            "seconds until visible": round(taken, 2),
            "requests refused": sent["refused"],
        },
    )
