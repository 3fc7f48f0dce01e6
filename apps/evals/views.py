"""Pages of evaluation rules: the list, what one may judge with, and one rule with what it would say."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.access import access_project, has_role, signed_in
from apps.accounts.models import Project, Role, User
from apps.analytics.run import QueryFailed, StoreUnavailable, reads
from apps.analytics.subjects import rule_scores_read
from apps.api.rule_error import RuleError
from apps.evals.asking import asker_of_installation
from apps.evals.contexts import EvaluatorChoice, EvaluatorsContext, RuleContext, RulesContext, TriedPart
from apps.evals.evaluators import EVALUATORS
from apps.evals.forms import BackfillForm, RuleForm
from apps.evals.models import EvaluationRule
from apps.evals.rules_page import rule_line, tried_line
from apps.evals.selectors import rule_of, rules_of
from apps.evals.services import rule_create, rule_delete, rule_update, secrets_of, secrets_split
from apps.evals.spec import RuleSpec, spec_from
from apps.evals.try_out import tried_on
from apps.ui.htmx import render_page, wanted_part

__all__ = [
    "rule_delete_view",
    "rule_list_view",
    "rule_new_view",
    "rule_view",
]

WEEK = timedelta(days=7)


@require_GET
@login_required
def rule_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Every rule and what its scores amount to."""
    found, now = access_project(request.user, project), datetime.now(UTC)
    rules, problem = list(rules_of(found)), ""
    try:
        amounts = rule_scores_read(reads(), found.pk, since=now - WEEK) if rules else {}
    except (StoreUnavailable, QueryFailed) as error:
        amounts, problem = {}, f"The scores could not be read: {error}"[:300]
    lines = tuple(rule_line(rule, amounts.get(str(rule.pk)), now=now, over=WEEK) for rule in rules)
    context = RulesContext(
        lines=lines, problem=problem, may_change=has_role(request.user, found.organisation, Role.MEMBER), now=now
    )
    return render_page(request, "evals/rules.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def rule_new_view(request: HttpRequest, project: str, evaluator: str = "") -> HttpResponse:
    """Choose an evaluator, then make a rule; what it would say is shown before it is saved."""
    found = access_project(request.user, project, role=Role.MEMBER)
    if not evaluator:
        return render_page(
            request, "evals/evaluators.html", EvaluatorsContext(evaluators=tuple(map(_choice, EVALUATORS)))
        )
    if evaluator not in EVALUATORS:
        raise Http404("No such evaluator")
    return _edited(request, found, None, evaluator)


@require_http_methods(["GET", "POST"])
@login_required
def rule_view(request: HttpRequest, project: str, rule: str) -> HttpResponse:
    """One rule."""
    wanted = Role.MEMBER if request.method == "POST" else Role.VIEWER
    found = access_project(request.user, project, role=wanted)
    row = rule_of(found, rule)
    if row.evaluator not in EVALUATORS:
        raise Http404("This version has no such evaluator")
    return _edited(request, found, row, row.evaluator)


@require_POST
@login_required
def rule_delete_view(request: HttpRequest, project: str, rule: str) -> HttpResponse:
    """Remove a rule; its scores stay."""
    found = access_project(request.user, project, role=Role.MEMBER)
    row = rule_of(found, rule)
    rule_delete(rule=row, now=datetime.now(UTC))
    messages.success(request, f"{row.name} was deleted. Its scores stay.")
    return redirect("evals:rules", found.slug)


def _edited(request: HttpRequest, project: Project, rule: EvaluationRule | None, evaluator: str) -> HttpResponse:
    now = datetime.now(UTC)
    form = RuleForm(request.POST if request.method == "POST" else None, evaluator=evaluator, rule=rule)
    tried = None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("do") == "save":
                saved = _saved(form, project, rule, by=signed_in(request.user), now=now)
                messages.success(request, f"{saved.name} was saved. It judges what arrives from now on.")
                return redirect("evals:rule", project.slug, saved.pk)
            tried = _tried(form, project, rule, now=now)
        except RuleError as error:
            form.refuse(error)
            tried = TriedPart(problem=error.explained)
    elif request.method == "POST":
        tried = TriedPart(problem=" ".join(f"{name}: {' '.join(map(str, said))}" for name, said in form.errors.items()))
    context = RuleContext(
        form=form, fields=form.of_evaluator(), rule=rule, evaluator=_choice(evaluator), tried=tried,
        backfill_form=BackfillForm(), backfills=tuple(rule.backfills.all()[:5]) if rule else (),
        scores_href=f"{reverse('scores:score', args=[project.slug])}?{urlencode({'name': rule.score_name})}"
        if rule else "",
        may_change=has_role(request.user, project.organisation, Role.MEMBER),
    )  # fmt: skip
    # What is tried while somebody types is answered; what was to be saved, or tried without a script, is refused.
    status = 400 if form.errors and not wanted_part(request) else 200
    return render_page(request, "evals/rule.html", context, parts={"tried": "evals/_rule_tried.html"}, status=status)


def _saved(form: RuleForm, project: Project, rule: EvaluationRule | None, *, by: User, now: datetime) -> EvaluationRule:
    if rule is None:
        return rule_create(project=project, value=form.value(), created_by=by, now=now)
    return rule_update(rule=rule, value=form.value(), by=by, now=now)


def _tried(form: RuleForm, project: Project, rule: EvaluationRule | None, *, now: datetime) -> TriedPart:
    plain, typed = secrets_split(form.value())
    spec: RuleSpec = spec_from(plain)
    secrets = {**(secrets_of(rule) if rule else {}), **typed}
    try:
        found = tried_on(reads(), spec, project_id=project.pk, asker=asker_of_installation(), secrets=secrets, now=now)
    except (StoreUnavailable, QueryFailed) as error:
        return TriedPart(problem=f"What it would judge could not be read: {error}"[:300])
    return TriedPart(lines=tuple(tried_line(row, verdict, project=project.slug) for row, verdict in found))


def _choice(name: str) -> EvaluatorChoice:
    kind = EVALUATORS[name]
    return EvaluatorChoice(name, kind.title, kind.help, kind.asks)
