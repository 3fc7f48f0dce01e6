"""What a hundred alert rules cost over the large store:

    python -m bench.generate && python -m bench.alert_rules [--rules 100]

Every rule is due in every round; between rounds a minute of the data's own time passes. The rules are a mix: limits,
changes, anomalies against four weeks, budgets; of everything, by model and by user, of one environment or one model.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.desk import Desk
from bench.spanmeter import Spanmeter

__all__ = ["main", "specs"]

METRICS = ("requests", "errors", "error_rate", "cost", "latency_p95", "ttft_p95", "input_tokens")
GROUPS: tuple[list[str], ...] = ([], ["model"], ["environment"], ["user"])
FILTERS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"field": "environment", "values": ["production"], "negated": False}],
    [{"field": "model", "values": ["gpt-4o-mini"], "negated": False}],
)
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"type": "threshold", "above": 10_000_000},
    {"type": "change", "by": 3, "direction": "up", "least": 1000},
    {"type": "anomaly", "sensitivity": "low", "direction": "up", "by": 2, "least": 1000},
)
ROUNDS = 5


def specs(count: int) -> Iterator[dict[str, Any]]:
    """Yield that many rules, each different."""
    mix = itertools.product(("5m", "1h"), FILTERS, GROUPS, METRICS, CONDITIONS)
    wanted = [
        {"metric": metric, "group_by": group, "filters": filters, "window": window, "condition": condition}
        for window, filters, group, metric, condition in mix
        # A user has few calls an hour: what is usual for one is a question of days, not of five minutes.
        if not (group == ["user"] and (metric != "cost" or condition["type"] != "threshold"))
    ]
    step = len(wanted) / count
    for number in range(count):
        yield wanted[int(number * step)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--spans", type=int, default=10_000_000)
    given = parser.parse_args()
    desk = Desk(spans=given.spans)
    with desk.stack, tempfile.TemporaryDirectory(prefix="spanmeter-bench-") as folder:
        _as_a_worker(desk.large, Path(folder))
        print(_measured(desk.large, desk.large_home, rules=given.rules))
    return 0


def _as_a_worker(spanmeter: Spanmeter, folder: Path) -> None:
    """Make this process one that evaluates: the store of the installation, an application database of its own."""
    password = json.loads((spanmeter.home / "secrets.json").read_text(encoding="utf-8"))["store_password"]
    os.environ |= {
        "SPANMETER_HOME": str(folder),
        "SPANMETER_STORE_PORT": str(spanmeter.store_port),
        "SPANMETER_STORE_PASSWORD": password,
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _measured(spanmeter: Spanmeter, home: Path, *, rules: int) -> str:
    from apps.accounts.models import User
    from apps.accounts.services import organisation_create, project_create
    from apps.alerts.evaluate import evaluate_due
    from apps.alerts.models import Rule
    from apps.alerts.services import rule_create
    from apps.analytics.run import reads

    project_id = int(json.loads((home / "generated.json").read_text(encoding="utf-8"))["project_id"])
    client = spanmeter.store()
    latest = client.execute("SELECT max(start_time) FROM spans")[0][0].astimezone(UTC)
    spans = spanmeter.count(client)
    client.disconnect()
    now: datetime = latest - timedelta(hours=1)
    owner = User.objects.create_user(email="bench@example.com", password=None)
    organisation = organisation_create(name="Bench", owner=owner)
    project = project_create(organisation=organisation, name="bench", project_id=project_id)
    for number, spec in enumerate(specs(rules)):
        rule_create(project=project, name=f"rule {number}", spec=spec, now=now)
    walls, own, theirs = [], [], []
    for _ in range(ROUNDS + 1):
        Rule.objects.update(next_at=now)
        began, mine, store = time.perf_counter(), time.process_time(), _store_seconds(spanmeter)
        evaluated = evaluate_due(reads(), now=now)
        walls.append(time.perf_counter() - began)
        own.append(time.process_time() - mine)
        theirs.append(_store_seconds(spanmeter) - store)
        if evaluated != rules:
            raise RuntimeError(f"{evaluated} of {rules} rules were evaluated")
        now += timedelta(minutes=1)
    failed = list(Rule.objects.exclude(error="").values_list("name", "error"))
    if failed:
        raise RuntimeError(f"{len(failed)} rules failed, the first: {failed[0]}")
    wall, mine, store = (sorted(taken[1:])[ROUNDS // 2] for taken in (walls, own, theirs))  # the first is warming up
    return (
        f"{rules} rules over {spans:,} spans, one round: {wall:.2f} s, of processor time {store:.2f} s in the store "
        f"and {mine:.2f} s in the worker; once a minute that is {(store + mine) / 60:.1%} of one core"
    )


def _store_seconds(spanmeter: Spanmeter) -> float:
    """Return the processor time of the store so far."""
    ticks = 0
    for pid in [pid for group in spanmeter.pids().values() for pid in group]:
        if b"ingestion.store.server" in (Path("/proc") / str(pid) / "cmdline").read_bytes():
            fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
