"""Lists of spans, and one span whole. Holds no SQL; the clock that bounds a long search is passed in."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.plan import USAGE
from apps.analytics.query import Page, Query, TextMode, TimeRange
from apps.analytics.rows import SpanPage, SpanRow, SpanText
from apps.analytics.run import Reads
from apps.analytics.sql.spans import SPAN_COLUMNS, TEXT_COLUMNS, locate_statement, span_statement, spans_statement
from apps.analytics.sql.traces import density_statement, trace_extent_statement
from apps.analytics.sql.where import text_is_words
from apps.analytics.statement import micros
from apps.analytics.windows import windows

__all__ = [
    "EPOCH",
    "SEARCH_SECONDS",
    "Search",
    "span_detail",
    "span_from",
    "span_list",
    "span_trace",
    "text_from",
    "text_modes",
    "trace_extent",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEARCH_SECONDS = 4.0
_SECONDS = frozenset({"duration", "ttft", "queue"})
_TUPLES = frozenset({"tags"})
_MOST_TEXTS, _MOST_SPANS = 250_000, 2**40


@dataclass(frozen=True, slots=True)
class Search:
    """The parts of a list's time range, newest first, until enough is found or `seconds` have gone by."""

    reads: Reads
    query: Query
    range: TimeRange
    seconds: float = SEARCH_SECONDS
    mode: TextMode = TextMode.AUTO
    clock: Callable[[], float] = time.monotonic

    def parts(self) -> Iterator[TimeRange]:
        """Stop early when time is up; the caller sees the last part it got."""
        deadline = self.clock() + self.seconds
        known = replace(self.query, filters=tuple(f for f in self.query.filters if f.field in USAGE.fields))
        rows = self.reads.rows(density_statement(self.query, self.range, rollup_filters=known))
        counts = [(datetime.fromtimestamp(hour, UTC), int(spans)) for hour, spans in rows]
        # Reading texts is slow: short parts, so that the clock is looked at often.
        most = _MOST_TEXTS if self.query.text and self.mode is TextMode.SUBSTRING else _MOST_SPANS
        for part in windows(counts, self.range, most=most):
            yield part
            if self.clock() >= deadline:
                return


def span_list(reads: Reads, query: Query, page: Page, *, seconds: float = SEARCH_SECONDS) -> SpanPage:
    """One page of spans, newest first."""
    first, *others = text_modes(query)
    answer = _span_page(reads, query, page, mode=first, seconds=seconds)
    for mode in others:
        if not answer.rows and not page.cursor:
            answer = _span_page(reads, query, page, mode=mode, seconds=seconds)
    return answer


def _span_page(reads: Reads, query: Query, page: Page, *, mode: TextMode, seconds: float) -> SpanPage:
    time_range = query.range
    before = None
    if page.cursor:
        at, span_id, mode_name = cursor_unpack("spans", page.cursor, int, str, str)
        before = (EPOCH + timedelta(microseconds=at), span_id)
        mode = TextMode.SUBSTRING if mode_name == TextMode.SUBSTRING else mode
        # A microsecond more than the place: spans that start together are told apart by their id.
        end = min(time_range.end, before[0] + timedelta(microseconds=1))
        time_range = TimeRange(time_range.start, max(end, time_range.start))
    rows: list[SpanRow] = []
    searched_to = time_range.end
    for part in Search(reads, query, time_range, seconds, mode).parts():
        statement = spans_statement(query, part, mode=mode, limit=page.limit + 1 - len(rows), before=before)
        rows += [span_from(row) for row in reads.rows(statement)]
        searched_to = part.start
        if len(rows) > page.limit:
            break
    complete = searched_to <= time_range.start or len(rows) > page.limit
    following = None
    if len(rows) > page.limit:
        last = rows[page.limit - 1]
        following = cursor_pack("spans", micros(last.start), last.span_id, mode.value)
    elif not complete:
        following = cursor_pack("spans", micros(searched_to), "", mode.value)
    return SpanPage(
        rows=tuple(rows[: page.limit]),
        next=following,
        searched_to=searched_to,
        complete=complete,
        text_mode=mode.value,
    )


def span_trace(reads: Reads, project_id: int, span_id: str) -> str | None:
    """The id of the trace that a span is in, or None."""
    rows = reads.rows(locate_statement(project_id, span_id))
    return str(rows[0][0]) if rows else None


def trace_extent(reads: Reads, project_id: int, trace_id: str) -> tuple[datetime, datetime] | None:
    """When the first and the last span of a trace started, or None."""
    rows = reads.rows(trace_extent_statement(project_id, trace_id))
    return (min(first for first, _ in rows), max(last for _, last in rows)) if rows else None


def span_detail(reads: Reads, project_id: int, trace_id: str, span_id: str) -> tuple[SpanRow, SpanText] | None:
    """One span with its texts, or None."""
    extent = trace_extent(reads, project_id, trace_id)
    if extent is None:
        return None
    first, last = extent
    rows = reads.rows(span_statement(project_id, trace_id, span_id, first=first, last=last))
    if not rows:
        return None
    width = len(SPAN_COLUMNS)
    return span_from(rows[0][:width]), text_from(rows[0][width:])


def text_modes(query: Query) -> tuple[TextMode, ...]:
    """What to try, in order: words are quick, a substring is what people meant when no word is found."""
    if not query.text or query.text_mode is not TextMode.AUTO:
        return (query.text_mode,)
    if text_is_words(query.text):
        return (TextMode.WORDS, TextMode.SUBSTRING)
    return (TextMode.SUBSTRING,)


def span_from(row: Sequence[Any]) -> SpanRow:
    """Columns as stored → the row: microseconds become seconds."""
    return SpanRow(**{name: _value(name, value) for name, value in zip(SPAN_COLUMNS, row, strict=True)})


def text_from(row: Sequence[Any]) -> SpanText:
    """Columns as stored → the texts."""
    return SpanText(**dict(zip(TEXT_COLUMNS, row, strict=True)))


def _value(name: str, value: Any) -> Any:
    if name in _SECONDS:
        return None if value is None else value / 1e6
    return tuple(value) if name in _TUPLES else value
