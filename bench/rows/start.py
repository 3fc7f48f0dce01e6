"""From the command to the line that says ready: an empty home, and the same home again."""

import tempfile
from pathlib import Path

from bench.desk import Desk
from bench.row import Row
from bench.spanmeter import spanmeter_running

NAME = "import + start to ready"
BUDGET = "<= 8 s"


def measure(desk: Desk) -> Row:
    """The first start makes databases, keys and tables; the slower of the two counts."""
    with tempfile.TemporaryDirectory(prefix="spanmeter-bench-start-") as directory:
        home = Path(directory)
        with spanmeter_running(home) as first:
            pass
        with spanmeter_running(home) as again:
            pass
    slowest = max(first.ready_seconds, again.ready_seconds)
    return Row(
        NAME,
        BUDGET,
        f"{first.ready_seconds:.1f} s in an empty home, {again.ready_seconds:.1f} s again",
        "met" if slowest <= 8 else "short",
    )
