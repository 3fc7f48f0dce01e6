"""What the ledger page may use: one documented field a variable."""

from dataclasses import dataclass
from datetime import datetime

from apps.ui.charts import Chart
from apps.ui.links import Choice
from apps.ui.range_picker import RangePicker

__all__ = ["DropLine", "LedgerContext", "ReasonLine", "Term"]


@dataclass(frozen=True, slots=True)
class Term:
    """One number of the equation. `sign` stands before it."""

    sign: str
    label: str
    number: int
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """How many records were dropped for one reason, what it means, and the way out."""

    name: str
    title: str
    records: int
    meaning: str
    way_out: str
    tone: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class DropLine:
    """One drop."""

    received_at: datetime
    reason: str
    tone: str
    signal: str
    records: int
    detail: str
    position: str
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerContext:
    """The ledger page."""

    picker: RangePicker
    now: datetime
    accepted: int
    terms: tuple[Term, ...]  # written + spooled + dropped + expired
    difference: int  # accepted minus the terms
    balanced: bool
    is_empty: bool  # nothing was accepted in this range
    lag: float  # age of the oldest record that waits in the spool, in seconds; 0 when none does
    in_flight: int  # exchanges that have begun and not ended: in no sum yet
    spooled_bytes: int
    newest_received: datetime | None
    newest_written: datetime | None
    spool_known: bool  # whether this process can see the spool folder
    chart: Chart | None
    reasons: tuple[ReasonLine, ...]
    drops: tuple[DropLine, ...]
    drop_choices: tuple[Choice, ...]
    next_href: str
    first_href: str
    problem_message: str
    problem_hint: str
