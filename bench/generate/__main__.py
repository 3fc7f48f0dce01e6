"""`python -m bench.generate --spans 10000000`: fill a home under bench/.cache, straight into the engine, and say how.

The rows go in by INSERT … SELECT: roll-ups, indexes and compression are the product's own, the insert path of ingest
is not measured here.
"""

import argparse
import json
import shutil
import time
from datetime import UTC, datetime

from clickhouse_driver import Client

from bench.desk import Desk
from bench.generate.statement import TEXTS, insert_spans, make_texts
from bench.generate.words import Writer
from bench.spanmeter import spanmeter_running

TRACES_AT_ONCE = 10_000
SPANS_PER_TRACE = 4.05  # on average: tells how fast time passes from trace to trace
HOW = "straight into the engine by INSERT ... SELECT from generated dictionaries"


def main() -> int:
    """Generate until the number is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    home = Desk(spans=given.spans).large_home
    if (home / "generated.json").exists():
        print(f"{home} is there already: {(home / 'generated.json').read_text()}")
        return 0
    shutil.rmtree(home, ignore_errors=True)  # what an earlier, unfinished run left
    home.mkdir(parents=True)
    print(f"Filling {home} {HOW}.")
    with spanmeter_running(home, settings={"SPANMETER_STORE_MEMORY": "4000000000"}) as spanmeter:
        client = spanmeter.store()
        _write_texts(client)
        project = int(spanmeter.bootstrap["project_id"])
        made, traces = _fill(client, project=project, spans=given.spans, days=given.days)
        client.execute("DROP TABLE bench_texts")
        client.disconnect()
    facts = {"spans": made, "traces": traces, "days": given.days, "how": HOW, "project_id": project}
    (home / "generated.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return 0


def _write_texts(client: Client) -> None:
    client.execute("DROP TABLE IF EXISTS bench_texts")
    client.execute(make_texts)
    write = Writer(seed=7)
    for first in range(0, TEXTS, 10_000):
        rows = [(number, _quoted(write.text(40 + number * 7919 % 160))) for number in range(first, first + 10_000)]
        client.execute("INSERT INTO bench_texts (id, text) VALUES", rows)
        _progress("texts", first + 10_000, TEXTS)


def _quoted(text: str) -> str:
    """Return the text as it stands inside a JSON string."""
    return json.dumps(text)[1:-1]


def _fill(client: Client, *, project: int, spans: int, days: int) -> tuple[int, int]:
    statement, end = insert_spans(), datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    made, traces = 0, 0
    total = int(spans / SPANS_PER_TRACE)
    while made < spans:
        values = {"offset": traces, "traces": TRACES_AT_ONCE, "project": project, "days": days, "end": str(end)}
        values["total"] = total
        client.execute(statement, values)
        traces += TRACES_AT_ONCE
        made = int(client.execute("SELECT count() FROM spans")[0][0])
        _progress("spans", made, spans)
    return made, traces


_BEGAN = time.monotonic()


def _progress(what: str, done: int, whole: int) -> None:
    seconds = time.monotonic() - _BEGAN
    print(f"\r{what}: {done:,} of {whole:,} ({seconds:,.0f} s)", end="\n" if done >= whole else "", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
