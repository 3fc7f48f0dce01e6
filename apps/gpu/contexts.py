"""What the page of GPUs may use: one documented field a variable."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.analytics.gpu import GpuRow, ServingRow
from apps.analytics.gpu_cost import HostCost
from apps.gpu.comparable import ApiPrice
from apps.ui.charts import Chart
from apps.ui.links import Choice, Hidden
from apps.ui.range_picker import RangePicker

__all__ = ["Comparison", "GpuContext", "GpuLine", "GridForm", "HostLine"]


@dataclass(frozen=True, slots=True)
class GpuLine:
    """One GPU. `tone` colours its state; `slowed` says by what and for how much of the time."""

    row: GpuRow
    tone: str
    memory: float | None  # share in use
    slowed: tuple[tuple[str, float], ...]
    href: str  # the page with this GPU's charts alone
    current: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model of one's own, its price in US dollars where it is known, and what APIs ask for the like."""

    model: str
    own: Decimal | None
    why: str  # why one's own price is not known
    prices: tuple[ApiPrice, ...]
    more: tuple[ApiPrice, ...]  # dearer ones, folded


@dataclass(frozen=True, slots=True)
class HostLine:
    """One host's bill. `parts`: what, share of the time, and money where there is a price."""

    row: HostCost
    parts: tuple[tuple[str, float, object], ...]
    grams_per_million: Decimal | None  # CO2 of a million tokens
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class GridForm:
    """Whose electricity it is. `source` says where its figure comes from."""

    codes: tuple[str, ...]
    chosen: str
    pue: str
    grams_per_kwh: Decimal | None
    source: str
    hidden: tuple[Hidden, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuContext:
    """The page."""

    picker: RangePicker
    now: datetime
    gpus: tuple[GpuLine, ...]
    servers: tuple[ServingRow, ...]
    hosts: tuple[HostLine, ...]
    gpu_charts: tuple[Chart, ...]
    gpu_chosen: str  # whose charts these are; empty for all
    all_href: str
    server_charts: tuple[Chart, ...]
    server_choices: tuple[Choice, ...]
    server_title: str
    grid: GridForm
    is_empty: bool
    price_problem: str  # a file of prices that cannot be used
    problem_message: str
    problem_hint: str
