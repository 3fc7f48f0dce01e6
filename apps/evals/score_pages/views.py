"""Pages of scores: the list of names, and one score. Find the project, read, build the context, render."""

from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from apps.accounts.access import access_project
from apps.analytics.facets import facets
from apps.analytics.parse import QueryError, query_from
from apps.analytics.run import reads
from apps.analytics.score_trends import score_trend
from apps.analytics.scores import score_names
from apps.evals.score_pages.asked import asked_from
from apps.evals.score_pages.names_page import names_page
from apps.evals.score_pages.score_page import broken_score_page, score_page
from apps.ui.htmx import render_page
from apps.ui.range_picker import range_picker

__all__ = ["names_view", "score_view"]

_RANGE = "7d"


@require_GET
@login_required
def names_view(request: HttpRequest, project: str) -> HttpResponse:
    """What each name of a score amounts to."""
    found = access_project(request.user, project)
    now, zone = datetime.now(UTC), settings.TIME_ZONE
    page = partial(
        names_page,
        parameters=request.GET,
        now=now,
        origin=settings.WEB.url,
        score_path=reverse("scores:score", args=[found.slug]),
        traces_path=reverse("traces:list", args=[found.slug]),
    )
    parts = {"scores": "evals/_scores.html"}
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=zone, default_range=_RANGE)
        names = score_names(reads(), query)
    except QueryError as error:
        picker = range_picker(request.GET, None, zone=zone, default=_RANGE)
        broken = page((), picker=picker, problem=(error.message, error.hint))
        return render_page(request, "evals/scores.html", broken, parts=parts, status=400)
    picker = range_picker(request.GET, query.range, zone=query.time_zone, default=_RANGE)
    return render_page(request, "evals/scores.html", page(names, picker=picker), parts=parts)


@require_GET
@login_required
def score_view(request: HttpRequest, project: str) -> HttpResponse:
    """One score: its course, its groups, its distribution, its worst examples, and beside cost."""
    found = access_project(request.user, project)
    now, zone = datetime.now(UTC), settings.TIME_ZONE
    parts = {"score": "evals/_score.html"}
    try:
        asked = asked_from(request.GET, project_id=found.pk, now=now, time_zone=zone, default_range=_RANGE)
        trend = score_trend(reads(), asked.query, asked.name, by=asked.by, highest=asked.highest)
    except QueryError as error:
        picker = range_picker(request.GET, None, zone=zone, default=_RANGE)
        name = request.GET.get("name", "")[:200]
        broken = broken_score_page(name, error.message, error.hint, picker=picker, now=now)
        return render_page(request, "evals/score.html", broken, parts=parts, status=400)
    alert = urlencode({"metric": "score", "score": asked.name})
    context = score_page(
        trend,
        facets(reads(), found.pk, asked.query.range),
        parameters=request.GET,
        picker=range_picker(request.GET, asked.query.range, zone=asked.query.time_zone, default=_RANGE),
        now=now,
        trace_path=lambda trace_id: reverse("traces:trace", args=[found.slug, trace_id]),
        alert_path=f"{reverse('alerts:rule-new', args=[found.slug])}?{alert}",
    )
    return render_page(request, "evals/score.html", context, parts=parts)
