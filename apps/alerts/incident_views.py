"""Pages of incidents: the list, and one with its course, its timeline and examples."""

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.access import access_project, has_role, signed_in
from apps.accounts.models import Role
from apps.alerts.charts import course_chart
from apps.alerts.contexts import Event, IncidentContext, IncidentsContext, TraceLine
from apps.alerts.examples import examples_of, more_path
from apps.alerts.models import Incident
from apps.alerts.paging import cut
from apps.alerts.replay import course_of
from apps.alerts.selectors import incident_of, incidents_of
from apps.alerts.services import incident_acknowledge, incident_comment
from apps.alerts.spec import RuleSpec, spec_from
from apps.analytics.parse import QueryError
from apps.analytics.run import QueryFailed, StoreUnavailable, reads
from apps.api.rule_error import RuleError
from apps.ui.charts import Chart
from apps.ui.htmx import render_page
from apps.ui.links import Choice, changed

__all__ = ["incident_list_view", "incident_view"]

_TONES = {"firing": "error", "resolved": "ok", "pending": "warn", "inactive": ""}


@require_GET
@login_required
def incident_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Incidents, newest first."""
    found = access_project(request.user, project)
    state = request.GET.get("state", "")
    state = state if state in {"open", "resolved"} else ""
    incidents, next_href = cut(incidents_of(found, state=state), request.GET)
    choices = [
        Choice(label, changed(request.GET, {"state": value, "page": None}), current=state == value)
        for label, value in (("All", ""), ("Open", "open"), ("Resolved", "resolved"))
    ]
    context = IncidentsContext(incidents=incidents, choices=choices, next_href=next_href, now=datetime.now(UTC))
    return render_page(request, "alerts/incidents.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def incident_view(request: HttpRequest, project: str, incident: str) -> HttpResponse:
    """One incident; posting acknowledges it or writes on it."""
    found = access_project(request.user, project, role=Role.MEMBER if request.method == "POST" else Role.VIEWER)
    row, now = incident_of(found, incident), datetime.now(UTC)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "acknowledge":
                incident_acknowledge(incident=row, by=signed_in(request.user), now=now)
            else:
                incident_comment(incident=row, by=signed_in(request.user), text=request.POST.get("text", ""), now=now)
        except RuleError as error:
            messages.error(request, f"{error.message}: {error.hint}.")
        return redirect("alerts:incident", found.slug, row.pk)
    chart, problem, said, href = None, "", "", ""
    traces: tuple[TraceLine, ...] = ()
    try:
        spec = spec_from(row.rule.spec)
        said, href = spec.said(), more_path(spec, row, slug=found.slug, now=now)
        chart = _chart(spec, row, now=now)
        traces = examples_of(reads(), spec, row, slug=found.slug, now=now)
    except (RuleError, StoreUnavailable, QueryFailed, QueryError) as error:
        problem = f"The numbers around this incident could not be read: {error}"[:300]
    context = IncidentContext(
        incident=row, labels=tuple(row.labels.items()), said=said, chart=chart, problem=problem, events=_events(row),
        traces=traces, traces_href=href, deliveries=tuple(row.deliveries.select_related("channel")[:20]),
        may_change=has_role(request.user, found.organisation, Role.MEMBER), now=now,
    )  # fmt: skip
    return render_page(request, "alerts/incident.html", context)


def _chart(spec: RuleSpec, row: Incident, *, now: datetime) -> Chart | None:
    course = course_of(reads(), spec, row, now=now)
    return None if course is None else course_chart(spec, course, chart_id="chart-incident", title="Course")


def _events(row: Incident) -> tuple[Event, ...]:
    found = [
        Event(at=one.at, title=one.after.title(), text=one.reason, tone=_TONES.get(one.after, ""))
        for one in row.transitions.all()
    ]
    if row.acknowledged_at:
        by = str(row.acknowledged_by or "somebody who left")
        found.append(Event(at=row.acknowledged_at, title="Acknowledged", text=by, tone="info"))
    found += [
        Event(at=one.at, title=f"{one.author or 'Somebody who left'} wrote", text=one.text, tone="")
        for one in row.comments.select_related("author")
    ]
    # Messages of one moment stand after what they tell of.
    found += [
        Event(at=one.created_at + timedelta(microseconds=1), title=f"{one.get_status_display()}: {one.channel}",
              text=f"{one.type}{f': {one.problem}' if one.problem else ''}", tone="ok" if one.status == "sent" else "")
        for one in row.deliveries.select_related("channel")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda event: event.at))
