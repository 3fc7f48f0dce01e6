"""The page of GPUs: find the project, read, build the context, render."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from apps.accounts.access import access_project
from apps.analytics.gpu import fleet, serving
from apps.analytics.gpu_cost import host_costs
from apps.analytics.gpu_series import timeline
from apps.analytics.parse import QueryError, query_from
from apps.analytics.run import reads
from apps.gpu.gpu_page import Found, broken_gpu_page, gpu_page
from apps.gpu.grid import grid_from, pue_from
from apps.gpu.prices import pricebook_now, prices_now
from apps.ui.htmx import render_page
from apps.ui.range_picker import range_picker
from ingestion.gpu_money.files import load_grids

__all__ = ["gpu_view"]


@require_GET
@login_required
def gpu_view(request: HttpRequest, project: str) -> HttpResponse:
    """Each GPU, each served model, how they went over time, and where the money of each host goes."""
    found = access_project(request.user, project)
    now = datetime.now(UTC)
    parts = {"gpu": "gpu/_gpu.html"}
    grids = load_grids()
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=settings.TIME_ZONE, default_range="1h")
        grid = grid_from(request.GET.get("grid", ""), grids, query.range.end.date())
        pue = pue_from(request.GET.get("pue", ""))
    except QueryError as error:
        picker = range_picker(request.GET, None, zone=settings.TIME_ZONE, default="1h")
        broken = broken_gpu_page((error.message, error.hint), picker=picker, now=now)
        return render_page(request, "gpu/gpu.html", broken, parts=parts, status=400)
    prices, wrong = prices_now(settings.SPANMETER_HOME)
    gpus, servers = fleet(reads(), found.pk, query.range), serving(reads(), found.pk, query.range)
    book, rates = pricebook_now(settings.SPANMETER_HOME)
    seen = Found(
        gpus=gpus,
        servers=servers,
        hosts=host_costs(reads(), found.pk, query.range, prices=prices, grids=grids, grid=grid, pue=pue),
        times=timeline(reads(), found.pk, query.range, zone=query.time_zone) if gpus or servers else None,
        book=book,
        rates=rates,
        grids=grids,
        price_problem=wrong,
    )
    context = gpu_page(
        seen,
        parameters=request.GET,
        picker=range_picker(request.GET, query.range, zone=query.time_zone, default="1h"),
        now=now,
        zone=query.time_zone,
        grid=grid,
        pue=pue,
    )
    return render_page(request, "gpu/gpu.html", context, parts=parts)
