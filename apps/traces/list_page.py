"""A page of traces → what the explorer shows. Pure."""

from collections.abc import Callable
from datetime import datetime

from django.http import QueryDict

from apps.analytics.facets import Facets
from apps.analytics.rows import TracePage, TraceRow
from apps.traces.contexts import Problem, TraceLine, TraceListContext
from apps.traces.filter_bar import filter_bar
from apps.ui.links import changed
from apps.ui.onboarding import Onboarding
from apps.ui.range_picker import RangePicker
from apps.ui.tones import tone_of

__all__ = ["broken_list_page", "list_page", "trace_lines"]

_MOST_TAGS = 2
_MOST_MODELS = 1
_CONDITIONS_OF_RANGE = {"range", "from", "to", "tz", "live", "limit", "cursor", "text_mode"}


def list_page(
    page: TracePage,
    *,
    parameters: QueryDict,
    picker: RangePicker,
    facets: Facets,
    now: datetime,
    path: str,
    trace_href: Callable[[str], str],
    onboarding: Onboarding,
) -> TraceListContext:
    """Return the explorer for one page of rows."""
    live = parameters.get("live") == "1" and not parameters.get("cursor")
    narrowed = any(value for name, value in parameters.items() if name not in _CONDITIONS_OF_RANGE)
    return TraceListContext(
        picker=picker,
        filters=filter_bar(parameters, facets),
        lines=trace_lines(page.rows, parameters=parameters, path=path, trace_href=trace_href),
        now=now,
        live=live,
        live_href=changed(parameters, {"live": None if live else "1"}),
        self_href=changed(parameters, {}, keep_cursor=True),
        next_href=changed(parameters, {"cursor": page.next, "live": None}, keep_cursor=True) if page.next else "",
        first_href=changed(parameters, {}) if parameters.get("cursor") else "",
        searched_to=None if page.complete else page.searched_to,
        onboarding=None if page.rows or narrowed or parameters.get("cursor") or not page.complete else onboarding,
        problem=None,
    )


def broken_list_page(
    problem: Problem, *, parameters: QueryDict, picker: RangePicker, facets: Facets, now: datetime
) -> TraceListContext:
    """Return the explorer that says which parameter is wrong, with the filters as they were given."""
    return TraceListContext(
        picker=picker,
        filters=filter_bar(parameters, facets),
        lines=(),
        now=now,
        live=False,
        live_href="?",
        self_href="?",
        next_href="",
        first_href="",
        searched_to=None,
        onboarding=None,
        problem=problem,
    )


def trace_lines(
    rows: tuple[TraceRow, ...], *, parameters: QueryDict, path: str, trace_href: Callable[[str], str]
) -> tuple[TraceLine, ...]:
    """Return the rows with bars relative to the longest among them."""
    longest = max((row.duration for row in rows), default=0.0)
    return tuple(
        _line(row, longest=longest, parameters=parameters, path=path, href=trace_href(row.trace_id)) for row in rows
    )


def _line(row: TraceRow, *, longest: float, parameters: QueryDict, path: str, href: str) -> TraceLine:
    return TraceLine(
        trace_id=row.trace_id,
        href=href,
        name=row.name or "unnamed",
        start=row.start,
        status=row.status,
        status_tone=tone_of(row.status),
        error_message=row.error_message,
        preview_in=row.input_preview,
        preview_out=row.output_preview,
        models=row.models[:_MOST_MODELS],
        more_models=max(0, len(row.models) - _MOST_MODELS),
        user_id=row.user_id,
        user_href=changed(parameters, {"user": row.user_id}, path=path),
        session_id=row.session_id,
        session_href=changed(parameters, {"session": row.session_id}, path=path),
        tags=row.tags[:_MOST_TAGS],
        more_tags=row.tags[_MOST_TAGS:],
        environment=row.environment,
        spans=row.spans,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost=row.cost,
        unpriced=row.unpriced,
        ttft=row.ttft,
        duration=row.duration,
        bar=_share(row.duration, longest),
        ttft_at=_share(row.ttft, longest) if row.ttft is not None else "",
        incomplete=not row.has_root,
    )


def _share(seconds: float, longest: float) -> str:
    return f"{min(100.0, max(1.5, seconds / longest * 100)):.1f}%" if longest > 0 else "1.5%"
