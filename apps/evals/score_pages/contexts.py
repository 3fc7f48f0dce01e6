"""What the pages of scores may use: one documented field a variable."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.analytics.score_trends import ScoreNumbers, WorstScore
from apps.analytics.scores import ScoreName
from apps.ui.charts import Chart
from apps.ui.filters import Filters
from apps.ui.links import Choice
from apps.ui.range_picker import RangePicker

__all__ = ["GroupLine", "NameLine", "NamesContext", "ScoreContext", "WorstLine"]


@dataclass(frozen=True, slots=True)
class NameLine:
    """One name of a score. `mean` is in words; `spark` draws its course in 120 by 24 units of an SVG path."""

    row: ScoreName
    href: str
    mean: str
    span: str  # from least to most, in words
    spark: str
    no_verdict: float | None  # share


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesContext:
    """The list of names."""

    picker: RangePicker
    now: datetime
    lines: tuple[NameLine, ...]
    sdk_code: str  # how to give a first score, ready to paste
    http_code: str
    traces_href: str
    problem_message: str
    problem_hint: str


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group of the breakdown. `href` keeps it alone; empty where there is no such filter."""

    name: str
    href: str
    numbers: ScoreNumbers
    mean: str
    span: str
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class WorstLine:
    """One example and where to look at it."""

    row: WorstScore
    verdict: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreContext:
    """One score's page."""

    name: str
    picker: RangePicker
    now: datetime
    filters: Filters | None
    tiles: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    dimensions: tuple[Choice, ...]
    groups: tuple[GroupLine, ...]
    dimension: str  # the one in force, in words
    worst: tuple[WorstLine, ...]
    worst_choices: tuple[Choice, ...]
    limited: bool  # only the newest scores of the range were looked at
    alert_href: str
    problem_message: str
    problem_hint: str
