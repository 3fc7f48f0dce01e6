"""What each template of traces may use: one frozen dataclass a page, one documented field a variable.

A test renders every page and compares the fields with the names that its templates use.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.analytics.gpu_moment import ServedMoment
from apps.traces.conversation import Conversation
from apps.traces.score_panel import ScoresCard
from apps.traces.waterfall import Bar, Tick
from apps.ui.charts import Chart
from apps.ui.filters import Filters
from apps.ui.links import Choice
from apps.ui.onboarding import Onboarding
from apps.ui.range_picker import RangePicker

__all__ = [
    "BucketLine",
    "Delta",
    "Fact",
    "JsonBlock",
    "ModelLine",
    "OverviewContext",
    "PanelContext",
    "PeopleContext",
    "PersonLine",
    "Problem",
    "SpanLine",
    "SpanPanel",
    "Tile",
    "TraceContext",
    "TraceLine",
    "TraceListContext",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """A parameter that could not be read: what was wrong, what is accepted, and a way out."""

    message: str
    hint: str
    reset_href: str


@dataclass(frozen=True, slots=True)
class Delta:
    """Change against the period before. `tone` is good, bad or neither."""

    text: str
    tone: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number of the overview.

    `parts` are smaller numbers beside it; `note` is a remark, `tone` warn when it matters.
    """

    label: str
    value: str
    title: str = ""
    unit: str = ""
    delta: Delta | None = None
    parts: tuple[tuple[str, str], ...] = ()
    note: str = ""
    note_href: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine:
    """One row of the table by model. `share` is of the known spend; None where the spend is unknown."""

    model: str
    provider: str
    ink: str
    href: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    share: float | None
    share_width: str
    latency: float | None
    ttft: float | None
    errors: int
    error_rate: float | None
    unpriced: int
    unpriced_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewContext:
    """The overview page."""

    picker: RangePicker
    compare: bool  # whether tiles show the change against the period before
    compare_href: str  # the same page with that switched
    compared_with: str  # the period before, in words
    tiles: tuple[Tile, ...]
    charts: tuple[Chart, ...]
    models: tuple[ModelLine, ...]
    onboarding: Onboarding | None  # set when the range holds nothing
    problem: Problem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One row of the trace list. `bar` is the duration's share of the longest on the page, as an SVG width."""

    trace_id: str
    href: str
    name: str
    start: datetime
    status: str
    status_tone: str
    error_message: str
    preview_in: str
    preview_out: str
    models: tuple[str, ...]
    more_models: int
    user_id: str
    user_href: str
    session_id: str
    session_href: str
    tags: tuple[str, ...]
    more_tags: tuple[str, ...]
    environment: str
    spans: int
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    unpriced: int
    ttft: float | None
    duration: float
    bar: str
    ttft_at: str
    incomplete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceListContext:
    """The trace explorer."""

    picker: RangePicker
    filters: Filters
    lines: tuple[TraceLine, ...]
    now: datetime
    live: bool  # the list asks for news every few seconds
    live_href: str  # the same page with that switched
    self_href: str  # the present address, for the live list
    next_href: str
    first_href: str
    searched_to: datetime | None  # set when the search stopped before the start of the range
    onboarding: Onboarding | None
    problem: Problem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and a value; `kind` says how the value is printed: text, money, tokens, duration, moment, badge, link."""

    label: str
    value: object
    kind: str = "text"
    href: str = ""
    tone: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLine:
    """One row of the waterfall."""

    span_id: str
    href: str
    selected: bool
    name: str
    kind: str
    icon: str
    ink: str
    depth: int
    indent: int  # the depth, but for a bound
    children: int
    status_tone: str
    status: str
    model: str
    problem: str
    duration: float
    cost: Decimal | None
    unpriced: bool
    tokens: int | None
    bar: Bar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLine:
    """Usage of one bucket, what it cost, and the price that made it; None where unknown."""

    name: str
    quantity: Decimal
    unit: str
    cost: Decimal | None
    price: Decimal | None
    price_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBlock:
    """A text, usually JSON, under a title, with an id to copy it by."""

    id: str
    title: str
    text: str
    is_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPanel:
    """Everything about the chosen span that the chosen view shows."""

    span_id: str
    name: str
    kind: str
    icon: str
    ink: str
    status: str
    status_tone: str
    error_type: str
    error_message: str
    http_status: int
    facts: tuple[Fact, ...]
    views: tuple[Choice, ...]
    view: str
    conversation: Conversation | None
    blocks: tuple[JsonBlock, ...]
    pretty: bool
    pretty_choices: tuple[Choice, ...]
    headers: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    pairs: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    buckets: tuple[BucketLine, ...]
    cost: Decimal | None
    currency: str
    cost_usd: Decimal | None
    cost_status: str
    cost_reason: str
    usage_basis: str
    basis_text: str
    token_basis: str
    price_id: str
    price_note: str
    price_href: str
    reported_usd: Decimal | None
    disagreement: float | None
    events: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    served: ServedMoment | None = None  # the server and the GPUs under it, of a self-hosted model


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelContext:
    """The panel alone, when a span is chosen on a page that stands already."""

    panel: SpanPanel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """One trace."""

    trace_id: str
    name: str
    facts: tuple[Fact, ...]
    tags: tuple[str, ...]
    status: str
    status_tone: str
    notes: tuple[str, ...]  # what is odd about this trace as a whole
    ticks: tuple[Tick, ...]
    lines: tuple[SpanLine, ...]
    span_count: int
    hidden: int  # spans that this page leaves out
    all_href: str  # the page with them, empty when they cannot be shown
    panel: SpanPanel | None
    scores: ScoresCard
    list_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """One session or user. `others` counts the users of a session, or the sessions of a user."""

    id: str
    href: str
    others: int
    traces: int
    calls: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    unpriced: int
    first: datetime
    last: datetime
    lasted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleContext:
    """The list of sessions or of users; `what` says which."""

    what: str  # session or user
    picker: RangePicker
    lines: tuple[PersonLine, ...]
    now: datetime
    next_href: str
    first_href: str
    problem: Problem | None
