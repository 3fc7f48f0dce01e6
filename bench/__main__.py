"""`python -m bench [--rows a,b] [--seconds 10] [--spans 10000000] [--quick]`: measure, print the table, write the
results.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from bench.desk import Desk, NotGeneratedError
from bench.machine import machine_facts
from bench.report import markdown, write_results
from bench.row import Row
from bench.rows import ROWS


def main() -> int:
    """Measure the chosen rows; a row that breaks is told and does not stop the others."""
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=…")
    parser.add_argument("--rows", default=",".join(ROWS), help="comma-separated: " + ", ".join(ROWS))
    parser.add_argument("--seconds", type=float, default=10, help="how long one load runs")
    parser.add_argument("--spans", type=int, default=10_000_000, help="size of the store for the read rows")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that a row works, not what it measures")
    given = parser.parse_args()
    chosen = [name.strip() for name in given.rows.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    facts = machine_facts()
    desk = Desk(seconds=given.seconds, spans=given.spans, quick=given.quick)
    rows = []
    with desk.stack:
        for name in chosen:
            print(f"measuring {name} …", flush=True)
            rows.append(_measured(name, desk))
            print(f"  {rows[-1].measured}", flush=True)
    print()
    print(markdown(rows, facts))
    if not given.quick:
        path = write_results(Path(__file__).parent / "results", rows, facts, now=datetime.now(UTC))
        print(f"written to {path}")
    return 0


def _measured(name: str, desk: Desk) -> Row:
    row = ROWS[name]
    try:
        return row.measure(desk)
    except NotGeneratedError as error:
        return Row(row.NAME, row.BUDGET, str(error), "skipped")
    except (OSError, RuntimeError, TimeoutError) as error:
        return Row(row.NAME, row.BUDGET, f"could not be measured: {error}".splitlines()[0], "short")


if __name__ == "__main__":
    raise SystemExit(main())
