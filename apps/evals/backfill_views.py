"""Pages of back-fills: the list, and one with its progress."""

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.access import access_project, has_role, signed_in
from apps.accounts.models import Role
from apps.analytics.run import QueryFailed, StoreUnavailable, reads
from apps.api.rule_error import RuleError
from apps.evals.backfills import backfill_plan, backfill_start, backfill_stop
from apps.evals.contexts import BackfillContext, BackfillsContext
from apps.evals.forms import BackfillForm
from apps.evals.models import Backfill
from apps.evals.selectors import backfill_of, backfills_of, rule_of
from apps.ui.htmx import render_page

__all__ = ["backfill_list_view", "backfill_plan_view", "backfill_view"]

_MOST = 100
State = Backfill.State


@require_GET
@login_required
def backfill_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """The latest back-fills of every rule."""
    found = access_project(request.user, project)
    rows = tuple(backfills_of(found)[:_MOST])
    return render_page(request, "evals/backfills.html", BackfillsContext(backfills=rows, now=datetime.now(UTC)))


@require_POST
@login_required
def backfill_plan_view(request: HttpRequest, project: str, rule: str) -> HttpResponse:
    """Count and estimate; the page that follows has the button that starts it."""
    found = access_project(request.user, project, role=Role.MEMBER)
    row, now = rule_of(found, rule), datetime.now(UTC)
    form = BackfillForm(request.POST)
    try:
        planned = backfill_plan(
            rule=row, start=form.start(now), end=now, by=signed_in(request.user), reads=reads(), now=now
        )
    except (RuleError, StoreUnavailable, QueryFailed) as error:
        messages.error(request, f"The back-fill could not be planned: {error}"[:300])
        return redirect("evals:rule", found.slug, row.pk)
    return redirect("evals:backfill", found.slug, planned.pk)


@require_http_methods(["GET", "POST"])
@login_required
def backfill_view(request: HttpRequest, project: str, backfill: str) -> HttpResponse:
    """One back-fill; a member starts and stops it."""
    wanted = Role.MEMBER if request.method == "POST" else Role.VIEWER
    found, now = access_project(request.user, project, role=wanted), datetime.now(UTC)
    row = backfill_of(found, backfill)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "start":
                backfill_start(backfill=row)
            elif request.POST.get("do") == "stop":
                backfill_stop(backfill=row, now=now)
        except RuleError as error:
            messages.error(request, f"{error.message}: {error.hint}.")
        return redirect("evals:backfill", found.slug, row.pk)
    changed = row.version != row.rule.version
    context = BackfillContext(
        backfill=row,
        share=min(1.0, row.done / row.total) if row.total else float(row.state == State.DONE),
        running=row.state == State.RUNNING,
        may_start=row.state in {State.PLANNED, State.STOPPED, State.FAILED} and not changed,
        may_stop=row.state == State.RUNNING,
        may_change=has_role(request.user, found.organisation, Role.MEMBER),
        now=now,
    )
    return render_page(request, "evals/backfill.html", context, parts={"backfill": "evals/_backfill.html"})
