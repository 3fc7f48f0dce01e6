"""Pages of traces: find the project, read, build the context, render. No SQL, no arithmetic."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.accounts.access import access_project
from apps.accounts.models import Project
from apps.analytics.facets import Facets, facets
from apps.analytics.gpu_moment import served_moment
from apps.analytics.overview import overview
from apps.analytics.parse import QueryError, page_from, query_from
from apps.analytics.people import PeoplePage, session_list, user_list
from apps.analytics.query import Page, Query, TimeRange
from apps.analytics.rows import SpanRow, SpanText, TraceDetail
from apps.analytics.run import Reads, reads
from apps.analytics.spans import span_detail
from apps.analytics.traces import trace_detail, trace_list
from apps.traces.contexts import PanelContext, Problem, SpanPanel
from apps.traces.list_page import broken_list_page, list_page
from apps.traces.overview_page import broken_overview_page, overview_page
from apps.traces.people_page import broken_people_page, people_page
from apps.traces.price_notes import price_note
from apps.traces.score_views import card_of
from apps.traces.span_panel import span_panel
from apps.traces.trace_page import chosen_span, trace_page
from apps.ui.addresses import keys_href
from apps.ui.htmx import render_page, wanted_part
from apps.ui.links import changed
from apps.ui.onboarding import Onboarding, onboarding
from apps.ui.range_picker import RangePicker, range_picker

__all__ = ["overview_view", "session_list_view", "trace_list_view", "trace_view", "user_list_view"]

_NO_FACETS = Facets(models=(), providers=(), environments=(), kinds=(), sources=())


@require_GET
@login_required
def overview_view(request: HttpRequest, project: str) -> HttpResponse:
    """Spend, requests, errors, tokens and times, over time and by model."""
    found = access_project(request.user, project)
    now = datetime.now(UTC)
    parts = {"overview": "traces/_overview.html"}
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=settings.TIME_ZONE)
    except QueryError as error:
        broken = broken_overview_page(problem_of(error), picker=picker_of(request.GET, None))
        return render_page(request, "traces/overview.html", broken, parts=parts, status=400)
    context = overview_page(
        overview(reads(), query, now=now),
        parameters=request.GET,
        picker=picker_of(request.GET, query.range, zone=query.time_zone),
        list_path=reverse("traces:list", args=[found.slug]),
        onboarding=onboarding_of(found),
    )
    return render_page(request, "traces/overview.html", context, parts=parts)


@require_GET
@login_required
def trace_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """The trace explorer; `results` alone is what a live list and the pager ask for."""
    found = access_project(request.user, project)
    now = datetime.now(UTC)
    parts = {"explorer": "traces/_explorer.html", "results": "traces/_results.html"}
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=settings.TIME_ZONE)
        page = page_from(request.GET)
        rows = trace_list(reads(), query, page)
    except QueryError as error:
        broken = broken_list_page(
            problem_of(error), parameters=request.GET, picker=picker_of(request.GET, None), facets=_NO_FACETS, now=now
        )
        return render_page(request, "traces/list.html", broken, parts=parts, status=400)
    only_rows = wanted_part(request) == "results"
    context = list_page(
        rows,
        parameters=request.GET,
        picker=picker_of(request.GET, query.range, zone=query.time_zone),
        facets=_NO_FACETS if only_rows else facets(reads(), found.pk, query.range),
        now=now,
        path=request.path,
        trace_href=lambda trace_id: reverse("traces:trace", args=[found.slug, trace_id]),
        onboarding=onboarding_of(found),
    )
    return render_page(request, "traces/list.html", context, parts=parts)


@require_GET
@login_required
def trace_view(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """One trace; `span-panel` alone is what choosing a span asks for."""
    found = access_project(request.user, project)
    wanted = request.GET.get("span", "")
    if wanted and wanted_part(request) == "span-panel":
        answer = span_detail(reads(), found.pk, trace_id, wanted)
        if answer is None:
            raise Http404("No such span")
        panel = _panel_of(*answer, project_id=found.pk, parameters=request.GET)
        return render_page(
            request, "traces/_panel.html", PanelContext(panel=panel), parts={"span-panel": "traces/_panel.html"}
        )
    detail = trace_detail(reads(), found.pk, trace_id)
    if detail is None:
        raise Http404("No such trace")
    chosen = chosen_span(detail, wanted)
    people = reverse("traces:list", args=[found.slug])
    context = trace_page(
        detail,
        parameters=request.GET,
        selected=chosen.span_id if chosen else "",
        panel=_panel(detail, chosen, project_id=found.pk, parameters=request.GET),
        scores=card_of(request, found, detail, selected=wanted),
        list_path=people,
        user_href=lambda user: changed(QueryDict(), {"user": user, "range": "30d"}, path=people),
        session_href=lambda session: changed(QueryDict(), {"session": session, "range": "30d"}, path=people),
    )
    return render_page(request, "traces/trace.html", context)


@require_GET
@login_required
def session_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Sessions, last seen first."""
    return _people(request, project, what="session", read=lambda *given: session_list(*given))


@require_GET
@login_required
def user_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Users, last seen first."""
    return _people(request, project, what="user", read=lambda *given: user_list(*given))


def _people(
    request: HttpRequest, project: str, *, what: str, read: Callable[[Reads, Query, Page], PeoplePage]
) -> HttpResponse:
    found = access_project(request.user, project)
    now = datetime.now(UTC)
    parts = {"people": "traces/_people.html"}
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=settings.TIME_ZONE)
        rows = read(reads(), query, page_from(request.GET))
    except QueryError as error:
        broken = broken_people_page(problem_of(error), what=what, picker=picker_of(request.GET, None), now=now)
        return render_page(request, "traces/people.html", broken, parts=parts, status=400)
    context = people_page(
        rows,
        what=what,
        parameters=request.GET,
        picker=picker_of(request.GET, query.range, zone=query.time_zone),
        now=now,
        list_path=reverse("traces:list", args=[found.slug]),
    )
    return render_page(request, "traces/people.html", context, parts=parts)


def _panel(detail: TraceDetail, span: SpanRow | None, *, project_id: int, parameters: QueryDict) -> SpanPanel | None:
    if span is None:
        return None
    text = detail.texts.get(span.span_id)
    if text is None:
        answer = span_detail(reads(), project_id, span.trace_id, span.span_id)
        if answer is None:
            return None
        span, text = answer
    return _panel_of(span, text, project_id=project_id, parameters=parameters)


def _panel_of(span: SpanRow, text: SpanText, *, project_id: int, parameters: QueryDict) -> SpanPanel:
    served = served_moment(reads(), project_id, span, text)
    return span_panel(span, text, parameters=parameters, price=price_note(span.price_id), served=served)


def onboarding_of(project: Project) -> Onboarding:
    """What to tell somebody whose project is empty."""
    return onboarding(gateway=settings.SPANMETER_GATEWAY_URL, keys_href=keys_href(project.slug))


def picker_of(parameters: QueryDict, time_range: TimeRange | None, *, zone: str = "") -> RangePicker:
    """The picker in the zone of the query, or of the installation."""
    return range_picker(parameters, time_range, zone=zone or settings.TIME_ZONE)


def problem_of(error: QueryError) -> Problem:
    """The parameter that could not be read, for the reader."""
    return Problem(message=error.message, hint=error.hint, reset_href="?")
