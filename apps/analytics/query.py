"""The language of reads: a query is a frozen value. Never opens a connection, never reads a clock, never holds SQL."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["Field", "Filter", "Order", "Page", "Query", "TextMode", "TimeRange"]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Half open: `start` is in, `end` is not. Both aware."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long."""
        return self.end - self.start

    def previous(self) -> "TimeRange":
        """The range of the same length that ends where this one starts."""
        return TimeRange(self.start - self.length, self.start)


class Field(StrEnum):
    """What a filter may name. The values are the parameter names of pages and API."""

    MODEL = "model"
    PROVIDER = "provider"
    STATUS = "status"
    KIND = "kind"
    SOURCE = "source"
    ENVIRONMENT = "environment"
    USER = "user"
    SESSION = "session"
    TAG = "tag"
    NAME = "name"
    TRACE_NAME = "trace_name"
    TRACE = "trace"
    SERVICE = "service"
    RELEASE = "release"
    PROMPT = "prompt"
    TOOL = "tool"
    AGENT = "agent"
    COST_STATUS = "cost_status"


@dataclass(frozen=True, slots=True)
class Filter:
    """One of `values` (or, negated, none of them) in `field`."""

    field: Field
    values: tuple[str, ...]
    negated: bool = False


class TextMode(StrEnum):
    """How free text matches prompts and completions."""

    AUTO = "auto"  # whole words when the text is made of words, and as a substring when that finds nothing
    WORDS = "words"
    SUBSTRING = "substring"


class Order(StrEnum):
    """Which way a breakdown is sorted."""

    DESCENDING = "desc"
    ASCENDING = "asc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked of one project: a time range, conditions, and for aggregates the numbers and how to break them
    down.
    """

    project_id: int
    range: TimeRange
    filters: tuple[Filter, ...] = ()
    text: str = ""
    text_mode: TextMode = TextMode.AUTO
    time_zone: str = "UTC"
    metrics: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    order_by: str = ""
    order: Order = Order.DESCENDING
    limit: int = 100

    def over(self, time_range: TimeRange) -> "Query":
        """The same question about another time."""
        return replace(self, range=time_range)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list: up to `limit` after `cursor` (opaque; empty starts at the newest)."""

    limit: int = 50
    cursor: str = ""
