"""What the five processes take while nothing happens."""

import os
import time
from pathlib import Path

from bench.desk import Desk
from bench.row import Row

NAME = "all five processes, idle"
BUDGET = "<= 900 MB resident together, <= 3 % of one core"


def measure(desk: Desk) -> Row:
    """Resident memory is summed, shared pages counted in each; the share of a core is over the whole wait."""
    spanmeter = desk.spanmeter
    time.sleep(2 if desk.quick else 20)
    pids = [pid for group in spanmeter.pids().values() for pid in group]
    before, began = sum(map(_cpu_seconds, pids)), time.monotonic()
    time.sleep(5 if desk.quick else 60)
    share = (sum(map(_cpu_seconds, pids)) - before) / (time.monotonic() - began)
    facts: dict[str, float | int | str] = {}
    for pid in pids:
        facts[f"{_name(pid)} ({pid}) MB"] = round(_memory(pid, "VmRSS") / 1e6)
    resident = sum(_memory(pid, "VmRSS") for pid in pids)
    facts["supervisor MB"] = round(_memory(spanmeter.supervisor, "VmRSS") / 1e6)
    return Row(
        NAME,
        BUDGET,
        f"{resident / 1e6:,.0f} MB, {share * 100:.1f} % of one core",
        "met" if resident <= 900e6 and share <= 0.03 else "short",
        facts,
    )


def _memory(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    known = {
        "ingestion.store.server": "store",
        "proxy": "gateway",
        "ingestion": "ingest",
        "gunicorn": "web",
        "celery": "worker",
    }
    return next((name for word in words for key, name in known.items() if word == key or word.endswith(f"/{key}")), "?")
