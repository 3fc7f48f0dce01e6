"""The ledger page: find the project, read, build the context, render."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from apps.accounts.access import access_project
from apps.analytics.ledger import drop_list
from apps.analytics.parse import QueryError, page_from, query_from
from apps.analytics.run import reads
from apps.ledger.balance import ledger_now
from apps.ledger.ledger_page import broken_ledger_page, ledger_page
from apps.ui.htmx import render_page
from apps.ui.range_picker import range_picker

__all__ = ["ledger_view"]


@require_GET
@login_required
def ledger_view(request: HttpRequest, project: str) -> HttpResponse:
    """What was accepted, and where it is."""
    found = access_project(request.user, project)
    now = datetime.now(UTC)
    parts = {"ledger": "ledger/_ledger.html"}
    try:
        query = query_from(request.GET, project_id=found.pk, now=now, time_zone=settings.TIME_ZONE, default_range="7d")
        page = page_from(request.GET, default=25)
        answer = ledger_now(reads(), found.pk, query.range, now=now, zone=query.time_zone)
        drops = drop_list(reads(), found.pk, query.range, page, reason=request.GET.get("reason", ""))
    except QueryError as error:
        picker = range_picker(request.GET, None, zone=settings.TIME_ZONE, default="7d")
        broken = broken_ledger_page(error.message, error.hint, picker=picker, now=now)
        return render_page(request, "ledger/ledger.html", broken, parts=parts, status=400)
    context = ledger_page(
        answer,
        drops,
        time_range=query.range,
        parameters=request.GET,
        picker=range_picker(request.GET, query.range, zone=query.time_zone, default="7d"),
        now=now,
        spool_known=(settings.SPANMETER_HOME / "spool").is_dir(),
    )
    return render_page(request, "ledger/ledger.html", context, parts=parts)
