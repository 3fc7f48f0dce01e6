"""A person judges a trace or a span: the form of the trace page. With a script the card alone is answered."""

import secrets
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import access_project, has_role
from apps.accounts.models import Project, Role
from apps.analytics.parse import QueryError
from apps.analytics.rows import TraceDetail
from apps.analytics.run import reads
from apps.analytics.scores import ScoreRow, scores_of_trace
from apps.analytics.traces import trace_detail
from apps.traces.score_json import Giver, placed, row_of
from apps.traces.score_panel import ScoresCard, ScoresContext, score_from_form, scores_card, with_given
from apps.ui.htmx import render_page, wanted_part
from ingestion.scores.inbox import InboxFull, inbox

__all__ = ["card_of", "score_view"]

_FIELDS = ("name", "value", "comment", "span_id")


@require_POST
@login_required
def score_view(request: HttpRequest, project: str, trace_id: str) -> HttpResponse:
    """Hand one score in; who gives it is who is signed in."""
    found = access_project(request.user, project, role=Role.MEMBER)
    detail = trace_detail(reads(), found.pk, trace_id)
    if detail is None:
        raise Http404("No such trace")
    trace = detail.trace.trace_id
    now, problem, given = datetime.now(UTC), "", None
    giver = Giver(found.pk, source="human", author=_author(request))
    try:
        score = score_from_form(request.POST, giver, trace_id=trace, person=request.user.pk or 0, now=now)
        (score,) = placed([score], inbox().add(found.pk, [score]))
        given = row_of(score)
    except QueryError as error:
        problem = f"{error.message} Expected {error.hint}." if error.hint else error.message
    except InboxFull as error:
        problem = f"Nothing was recorded: {error}. Try again."
    if wanted_part(request) == "scores":
        card = card_of(request, found, detail, given=given, problem=problem)
        parts = {"scores": "traces/_scores.html"}
        context, status = ScoresContext(scores=card), 400 if problem else 200
        return render_page(request, "traces/_scores.html", context, parts=parts, status=status)
    if problem:
        messages.error(request, problem)
    elif given is not None:
        messages.success(request, f"Recorded: {given.name}. It is shown within a second or two.")
    href = reverse("traces:trace", args=[found.slug, detail.trace.trace_id])
    return redirect(f"{href}?span={given.span_id}#scores" if given and given.span_id else f"{href}#scores")


def card_of(
    request: HttpRequest,
    project: Project,
    detail: TraceDetail,
    *,
    selected: str = "",
    given: ScoreRow | None = None,
    problem: str = "",
) -> ScoresCard:
    """The card of a trace for this person."""
    rows = scores_of_trace(reads(), project.pk, detail.trace.trace_id, detail.trace.session_id)
    may_write = has_role(request.user, project.organisation, Role.MEMBER)
    return scores_card(
        with_given(rows, given) if given else rows,
        detail.spans,
        selected=request.POST.get("span_id", "") or selected,
        action=reverse("traces:score", args=[project.slug, detail.trace.trace_id]) if may_write else "",
        author=_author(request),
        new_id=secrets.token_hex(16),
        problem=problem,
        entered={name: request.POST.get(name, "") for name in _FIELDS} if problem else {},
    )


def _author(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))[:200]
