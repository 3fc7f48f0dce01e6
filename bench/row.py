"""What one row of the table says. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bench.desk import Desk

__all__ = ["Measure", "Row", "Verdict"]

Verdict = Literal["met", "short", "skipped"]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured line. `facts` holds the raw numbers, so that a reader can check the ratio."""

    name: str
    budget: str
    measured: str
    verdict: Verdict
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


class Measure(Protocol):
    """What every module in `rows/` offers."""

    NAME: str
    BUDGET: str

    def measure(self, desk: Desk) -> Row:
        """Measure this row."""
