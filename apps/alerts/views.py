"""Pages of rules: the list, and one rule with what it would have done. Find the project, ask, render."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.access import access_project, has_role, signed_in
from apps.accounts.models import Project, Role, User
from apps.alerts.charts import course_chart
from apps.alerts.contexts import BacktestPart, RuleContext, RuleLine, RulesContext
from apps.alerts.fields import duration_text
from apps.alerts.forms import RuleForm
from apps.alerts.models import Rule
from apps.alerts.replay import tried_on
from apps.alerts.selectors import rule_of, rules_of
from apps.alerts.services import rule_create, rule_delete, rule_update
from apps.alerts.spec import RuleSpec, spec_from
from apps.analytics.run import QueryFailed, StoreUnavailable, reads
from apps.api.rule_error import RuleError
from apps.ui.htmx import render_page, wanted_part

__all__ = ["rule_delete_view", "rule_list_view", "rule_new_view", "rule_view"]

_MOST_EPISODES = 12
_MOST_CHARTS = 2


@require_GET
@login_required
def rule_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Every rule and how it stands."""
    found = access_project(request.user, project)
    lines = tuple(_line(rule) for rule in rules_of(found))
    context = RulesContext(
        lines=lines, may_change=has_role(request.user, found.organisation, Role.MEMBER), now=datetime.now(UTC)
    )
    return render_page(request, "alerts/rules.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def rule_new_view(request: HttpRequest, project: str) -> HttpResponse:
    """Make a rule; what it would have done is shown before it is saved."""
    found = access_project(request.user, project, role=Role.MEMBER)
    return _edited(request, found, None)


@require_http_methods(["GET", "POST"])
@login_required
def rule_view(request: HttpRequest, project: str, rule: str) -> HttpResponse:
    """One rule."""
    wanted = Role.MEMBER if request.method == "POST" else Role.VIEWER
    found = access_project(request.user, project, role=wanted)
    return _edited(request, found, rule_of(found, rule))


@require_POST
@login_required
def rule_delete_view(request: HttpRequest, project: str, rule: str) -> HttpResponse:
    """Remove a rule and its incidents."""
    found = access_project(request.user, project, role=Role.MEMBER)
    row = rule_of(found, rule)
    rule_delete(rule=row, now=datetime.now(UTC))
    messages.success(request, f"{row.name} was deleted.")
    return redirect("alerts:rules", found.slug)


def _edited(request: HttpRequest, project: Project, rule: Rule | None) -> HttpResponse:
    now = datetime.now(UTC)
    given = request.POST if request.method == "POST" else None
    form = RuleForm(given, project=project, rule=rule, wanted=request.GET.dict())
    tried = None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("do") == "save":
                saved = _saved(form, project, rule, by=signed_in(request.user), now=now)
                messages.success(request, f"{saved.name} was saved. It is evaluated within a minute.")
                return redirect("alerts:rule", project.slug, saved.pk)
            tried = _tried(spec_from(form.spec(), zone=settings.TIME_ZONE), project, now=now)
        except RuleError as error:
            form.refuse(error)
            tried = BacktestPart(problem=error.explained)
    elif request.method == "POST":
        tried = BacktestPart(
            problem=" ".join(f"{name}: {' '.join(map(str, said))}" for name, said in form.errors.items())
        )
    elif rule is not None and (spec := _spec_or_none(rule)) is not None and request.GET.get("tried"):
        tried = _tried(spec, project, now=now)
    context = RuleContext(
        form=form, rule=rule, tried=tried, now=now,
        may_change=has_role(request.user, project.organisation, Role.MEMBER),
        incidents=tuple(rule.incidents.all()[:10]) if rule else (),
    )  # fmt: skip
    # What is tried while somebody types is answered; what was to be saved, or tried without a script, is refused.
    status = 400 if form.errors and not wanted_part(request) else 200
    return render_page(request, "alerts/rule.html", context, parts={"backtest": "alerts/_backtest.html"}, status=status)


def _saved(form: RuleForm, project: Project, rule: Rule | None, *, by: User, now: datetime) -> Rule:
    given, spec, repeat = form.cleaned_data, form.spec(), form.repeat_seconds()
    if rule is None:
        return rule_create(
            project=project, name=given["name"], spec=spec, channels=given["channels"], severity=given["severity"],
            description=given["description"], repeat_seconds=repeat, enabled=given["enabled"], created_by=by,
            zone=settings.TIME_ZONE, now=now,
        )  # fmt: skip
    # What the form does not show stays as it was.
    kept = {name: rule.spec[name] for name in ("every", "delay", "time_zone") if name in rule.spec}
    if "windows" in rule.spec.get("condition", {}) and spec["condition"]["type"] == "burn_rate":
        spec["condition"]["windows"] = rule.spec["condition"]["windows"]
    return rule_update(
        rule=rule, name=given["name"], spec={**kept, **spec}, channels=given["channels"], severity=given["severity"],
        description=given["description"], repeat_seconds=repeat, enabled=given["enabled"], now=now,
    )  # fmt: skip


def _tried(spec: RuleSpec, project: Project, *, now: datetime) -> BacktestPart:
    try:
        tried = tried_on(reads(), spec, project_id=project.pk, now=now)
    except (StoreUnavailable, QueryFailed) as error:
        return BacktestPart(problem=f"The past could not be read: {error}"[:300])
    episodes = sorted(
        (one for group in tried.groups for one in group.episodes), key=lambda one: one.start, reverse=True
    )
    length = duration_text(tried.end - tried.start)
    times = {0: "would not have fired", 1: "would have fired once"}.get(
        tried.fired, f"would have fired {tried.fired} times"
    )
    unsure = sum(group.unsure for group in tried.groups)
    judged = sum(len(group.judged) for group in tried.groups)
    note = f"Of {judged:,} windows nothing could be said of {unsure:,}: no data, too few calls or too little history."
    return BacktestPart(
        headline=f"{spec.said()}: {times} in the last {length}.",
        episodes=episodes[:_MOST_EPISODES],
        more=max(0, len(episodes) - _MOST_EPISODES),
        charts=tuple(
            course_chart(spec, group, chart_id=f"chart-tried-{number}", title="Backtest")
            for number, group in enumerate(tried.groups[:_MOST_CHARTS])
        ),
        note=note if unsure else "",
    )


def _spec_or_none(rule: Rule) -> RuleSpec | None:
    try:
        return spec_from(rule.spec)
    except RuleError:
        return None


def _line(rule: Rule) -> RuleLine:
    spec = _spec_or_none(rule)
    shown = rule.last.get("shown") or [{}]
    state, tone = "ok", "ok"
    open_incidents = int(getattr(rule, "open", 0))  # annotated by rules_of
    if not rule.enabled:
        state, tone = "off", ""
    elif rule.error or spec is None:
        state, tone = "cannot be evaluated", "warn"
    elif open_incidents:
        state, tone = "firing" if open_incidents == 1 else f"firing {open_incidents}×", "error"  # noqa: RUF001
    elif rule.evaluated_at is None:
        state, tone = "new", "info"
    elif shown[0].get("outcome") in {"no_data", "unsure"}:
        state, tone = str(shown[0]["outcome"]).replace("_", " "), ""
    return RuleLine(
        rule=rule,
        said=spec.said() if spec else "This version does not know its condition",
        state=state,
        tone=tone,
        reason=rule.error or str(shown[0].get("reason", "")),
    )
