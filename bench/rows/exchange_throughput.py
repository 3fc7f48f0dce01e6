"""Gateway exchanges of ~2 kB a second, from the first request until the last one is seen by a query."""

import time

from bench.desk import Desk
from bench.load import run_load
from bench.nginx import have_nginx
from bench.row import Row
from bench.visible import seconds_until_visible, settle

NAME = "gateway exchanges, sustained and visible in a query"
BUDGET = ">= 3,000 exchanges/s"


def measure(desk: Desk) -> Row:
    """The gateway takes them faster than they are read; the time ends when the last one is visible."""
    if not have_nginx():
        return Row(NAME, BUDGET, "nginx is not installed (it is the upstream)", "skipped")
    spanmeter = desk.spanmeter
    before = settle(spanmeter)
    began = time.time()
    load = run_load(desk.gateway_request(), connections=16, seconds=desk.seconds)
    taken = seconds_until_visible(spanmeter, at_least=before + load.requests, since=began)
    rate = load.requests / taken
    return Row(
        NAME,
        BUDGET,
        f"{rate:,.0f} exchanges/s visible ({load.per_second:,.0f} answered)",
        "met" if rate >= 3000 else "short",
        {"exchanges": load.requests, "seconds until visible": round(taken, 2), "refused": load.refused},
    )
