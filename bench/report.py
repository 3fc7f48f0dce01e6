"""The table on the terminal and the two files in `bench/results/`. Pure but for writing them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from bench.machine import machine_name
from bench.row import Row

__all__ = ["markdown", "write_results"]


def markdown(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    """Return the table and the machine's facts."""
    lines = ["| what | budget | measured | |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.budget} | {row.measured} | {row.verdict} |" for row in rows]
    lines += ["", *(f"- {name}: {value}" for name, value in facts.items())]
    for row in rows:
        if row.facts:
            lines += ["", f"**{row.name}**: " + "; ".join(f"{name} {value}" for name, value in row.facts.items())]
    return "\n".join([*lines, ""])


def write_results(directory: Path, rows: Sequence[Row], facts: dict[str, str], *, now: datetime) -> Path:
    """Write <date>-<machine>.json and .md; return the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    stem = directory / f"{now:%Y-%m-%d-%H%M}-{machine_name(facts)}"
    content = {"machine": facts, "measured_at": now.isoformat(), "rows": [asdict(row) for row in rows]}
    stem.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(f"# {now:%Y-%m-%d %H:%M} UTC\n\n{markdown(rows, facts)}", encoding="utf-8")
    return stem.with_suffix(".md")
