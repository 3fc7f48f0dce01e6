"""Lists of traces, and one trace whole. Holds no SQL.

A list goes by when a trace began, which only the trace index knows: a span that matches may have started hours later.
So every search
window gives the traces that began in it, and keeps those that began earlier for when the search comes there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.query import Field, Page, Query, TextMode, TimeRange
from apps.analytics.rows import SpanRow, TraceDetail, TracePage, TraceRow
from apps.analytics.run import Reads
from apps.analytics.spans import EPOCH, SEARCH_SECONDS, Search, span_from, text_from, text_modes, trace_extent
from apps.analytics.sql.spans import (
    SPAN_COLUMNS,
    trace_spans_statement,
    trace_statement,
)
from apps.analytics.sql.traces import (
    TRACE_COLUMNS,
    candidates_statement,
    extent_statement,
    summaries_statement,
)
from apps.analytics.statement import micros
from apps.analytics.summary import trace_of

__all__ = ["trace_detail", "trace_list", "trace_rows"]

_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Conditions that a trace's first span need not meet. The others stand on every span of a trace.
_SPAN_FIELDS = frozenset(Field) - {
    Field.USER,
    Field.SESSION,
    Field.TAG,
    Field.ENVIRONMENT,
    Field.RELEASE,
    Field.TRACE,
    Field.TRACE_NAME,
}
_OVERLAP = timedelta(hours=1)
_MOST_CARRIED = 24
_MINUTE = 60_000_000
_MOST_MINUTES = 600
_MOST_TEXTS = 200
_MOST_SPANS = 5000


@dataclass(frozen=True, slots=True)
class _Extent:
    """A trace and where it lies in time."""

    first: datetime
    trace_id: str
    last: datetime

    @property
    def place(self) -> tuple[datetime, str]:
        return self.first, self.trace_id


@dataclass(slots=True)
class _Found:
    """What the search has met: `before` is the place after which the page begins."""

    before: tuple[datetime, str] | None
    traces: dict[str, _Extent] = field(default_factory=dict)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for trace_id, first, last in rows:
            extent = _Extent(first, trace_id, last)
            if self.before is None or extent.place < self.before:
                self.traces[trace_id] = extent

    def since(self, start: datetime) -> list[_Extent]:
        """Those that began at or after `start`, in the order of the list."""
        ready = [extent for extent in self.traces.values() if extent.first >= start]
        return sorted(ready, key=lambda extent: extent.place, reverse=True)


def trace_list(reads: Reads, query: Query, page: Page, *, seconds: float = SEARCH_SECONDS) -> TracePage:
    """One page of traces that began in the range, newest first. Text that is a trace or request id finds it at any
    time.
    """
    if _ID.fullmatch(query.text):
        return _by_id(reads, query)
    first, *others = text_modes(query)
    answer = _page(reads, query, page, mode=first, seconds=seconds)
    for mode in others:
        if not answer.rows and not page.cursor:
            answer = _page(reads, query, page, mode=mode, seconds=seconds)
    return answer


def trace_detail(
    reads: Reads, project_id: int, trace_id: str, *, limit: int = _MOST_SPANS, texts: bool = True
) -> TraceDetail | None:
    """One trace by its id alone, or None. A short one comes with the texts of its spans, unless they are not wanted."""
    lies = trace_extent(reads, project_id, trace_id)
    if lies is None:
        return None
    extent = _Extent(lies[0], trace_id, lies[1])
    short = min(limit, _MOST_TEXTS)
    statement = trace_statement(
        project_id, trace_id, first=extent.first, last=extent.last, minutes=_minutes([extent]), limit=short + 1,
        texts=texts,
    )  # fmt: skip
    found = reads.rows(statement)
    if not 0 < len(found) <= short:
        return _long_trace(reads, project_id, extent, limit=limit)
    width = len(SPAN_COLUMNS)
    spans = tuple(sorted((span_from(row[:width]) for row in found), key=_order))
    said = [text_from(row[width:]) for row in found] if texts else []
    return TraceDetail(trace=trace_of(spans), spans=spans, more=0, texts={text.span_id: text for text in said})


def _order(span: SpanRow) -> tuple[datetime, bool, str]:
    return span.start, span.parent_span_id != "", span.span_id


def _long_trace(reads: Reads, project_id: int, extent: _Extent, *, limit: int) -> TraceDetail | None:
    summaries = _summaries(reads, project_id, [extent])
    if not summaries:  # every span has expired; the index has not noticed yet
        return None
    found = reads.rows(
        trace_spans_statement(project_id, extent.trace_id, first=extent.first, last=extent.last, limit=limit)
    )
    spans = tuple(span_from(row) for row in found)
    return TraceDetail(trace=summaries[0], spans=spans, more=max(0, summaries[0].spans - len(spans)), texts={})


def _page(reads: Reads, query: Query, page: Page, *, mode: TextMode, seconds: float) -> TracePage:
    found = _Found(before=None)
    time_range = query.range
    if page.cursor:
        at, trace_id, mode_name, carried = cursor_unpack("traces", page.cursor, int, str, str, list)
        start = EPOCH + timedelta(microseconds=at)
        found.before = (start, trace_id)
        mode = TextMode.SUBSTRING if mode_name == TextMode.SUBSTRING else mode
        found.add(_carried(reads, query.project_id, carried))
        overlap = _OVERLAP if _later_spans_may_match(query) else timedelta(microseconds=1)
        time_range = TimeRange(query.range.start, max(query.range.start, min(query.range.end, start + overlap)))
    searched_to = time_range.end
    ready: list[_Extent] = []
    for part in Search(reads, query, time_range, seconds, mode).parts():
        found.add(reads.rows(candidates_statement(query, part, mode=mode, limit=max(1000, page.limit + 1))))
        searched_to = part.start
        ready = found.since(searched_to)
        if len(ready) > page.limit:
            break
    full = len(ready) > page.limit
    complete = full or searched_to <= time_range.start
    following = None
    if full or not complete:
        place = ready[page.limit - 1].place if full else (searched_to, "")
        following = _cursor(found, place, mode=mode)
    return TracePage(
        rows=tuple(_summaries(reads, query.project_id, ready[: page.limit])),
        next=following,
        searched_to=searched_to,
        complete=complete,
        text_mode=mode.value,
    )


def _cursor(found: _Found, place: tuple[datetime, str], *, mode: TextMode) -> str:
    """Carry the traces that the next page could not meet again: they began before the place, their match lies beyond
    the overlap.
    """
    rest = [extent for extent in found.traces.values() if extent.place < place and extent.last > place[0] + _OVERLAP]
    rest.sort(key=lambda extent: extent.place, reverse=True)
    carried: list[list[int | str]] = [[extent.trace_id] for extent in rest[:_MOST_CARRIED]]
    return cursor_pack("traces", micros(place[0]), place[1], mode.value, carried)


def _carried(reads: Reads, project_id: int, carried: list[Any]) -> Sequence[Sequence[Any]]:
    names = [
        part[0] for part in carried[:_MOST_CARRIED] if isinstance(part, list) and part and isinstance(part[0], str)
    ]
    return reads.rows(extent_statement(project_id, names)) if names else []


def trace_rows(reads: Reads, project_id: int, trace_ids: Sequence[str]) -> tuple[TraceRow, ...]:
    """These traces, in this order; one that is no longer stored is left out."""
    if not trace_ids:
        return ()
    extents = {row[0]: _Extent(row[1], row[0], row[2]) for row in reads.rows(extent_statement(project_id, trace_ids))}
    return tuple(_summaries(reads, project_id, [extents[name] for name in trace_ids if name in extents]))


def _by_id(reads: Reads, query: Query) -> TracePage:
    name = query.text.replace("-", "").lower()
    rows = reads.rows(extent_statement(query.project_id, [name]))
    extents = [_Extent(first, trace_id, last) for trace_id, first, last in rows]
    return TracePage(
        rows=tuple(_summaries(reads, query.project_id, extents)),
        next=None,
        searched_to=query.range.start,
        complete=True,
        text_mode="id",
    )


def _later_spans_may_match(query: Query) -> bool:
    return bool(query.text) or any(condition.field in _SPAN_FIELDS for condition in query.filters)


def _summaries(reads: Reads, project_id: int, extents: Sequence[_Extent]) -> list[TraceRow]:
    if not extents:
        return []
    first = min(extent.first for extent in extents)
    last = max(extent.last for extent in extents)
    names = [extent.trace_id for extent in extents]
    statement = summaries_statement(project_id, names, first=first, last=last, minutes=_minutes(extents))
    found = {row[0]: _trace_from(row) for row in reads.rows(statement)}
    return [found[name] for name in names if name in found]


def _minutes(extents: Sequence[_Extent]) -> list[int]:
    """Every minute in which a span of these traces may start, or nothing where that says too much."""
    found: set[int] = set()
    for extent in extents:
        start, end = (micros(moment) // _MINUTE for moment in (extent.first, extent.last))
        if end - start > _MOST_MINUTES:
            return []
        found.update(range(start, end + 1))
    return [minute * 60 for minute in sorted(found)] if len(found) <= _MOST_MINUTES else []


def _trace_from(row: Sequence[Any]) -> TraceRow:
    cells = dict(zip(TRACE_COLUMNS, row, strict=True))
    ttft_us, billable = cells.pop("ttft_us"), cells.pop("billable")
    if billable and cells["unpriced"] == billable:
        cells["cost"] = None  # every price is missing: nothing is known
    for name in ("models", "providers", "sources", "tags"):
        cells[name] = tuple(cells[name])
    cells["has_root"] = bool(cells["has_root"])
    return TraceRow(
        duration=(cells["end"] - cells["start"]).total_seconds(),
        ttft=None if ttft_us is None else ttft_us / 1e6,
        **cells,
    )
