"""How rules, their scores and tried verdicts read on the pages. Pure."""

import json
from datetime import datetime, timedelta

from django.urls import reverse

from apps.analytics.subjects import RuleScores, SubjectRow
from apps.evals.contexts import RuleLine, TriedLine
from apps.evals.evaluators import EVALUATORS, Verdict
from apps.evals.evaluators.reading import answer_of
from apps.evals.models import EvaluationRule, Target
from apps.ui.format import DASH, number_text, percent_text

__all__ = ["rule_line", "rule_said", "tried_line", "verdict_words"]

_MOST_SHOWN = 200


def rule_line(rule: EvaluationRule, scores: RuleScores | None, *, now: datetime, over: timedelta) -> RuleLine:
    """A rule in the list, with its scores since `now - over`."""
    kind = EVALUATORS.get(rule.evaluator)
    boolean = kind is not None and kind.data_type == "boolean"
    state, tone = "judging", "ok"
    if kind is None or rule.error:
        state, tone = "cannot be carried out", "warn"
    elif not rule.enabled:
        state, tone = "off", ""
    elif rule.evaluated_at is None:
        state, tone = "new", "info"
    days = min(over, max(now - rule.created_at, timedelta(days=1))) / timedelta(days=1)
    return RuleLine(
        rule=rule,
        said=rule_said(rule),
        state=state,
        tone=tone,
        reason=rule.error or ("" if kind else f"This version has no evaluator {rule.evaluator}"),
        last=_value(scores.last_value, scores.last_text, boolean=boolean) if scores else DASH,
        last_at=scores.last_at if scores else None,
        mean=(percent_text(scores.mean) if boolean else number_text(scores.mean)) if scores else DASH,
        per_day=number_text(scores.count / days) if scores else "0",
    )


def rule_said(rule: EvaluationRule) -> str:
    """What it judges, in words."""
    kind = EVALUATORS.get(rule.evaluator)
    what = "whole traces" if rule.target == Target.TRACE else "calls of models"
    share = "" if rule.share >= 1 else f" in {percent_text(rule.share)} of traces"
    where = ", ".join(
        f"{one['field']} {'is not' if one.get('negated') else 'is'} {' or '.join(one['values'])}"
        for one in rule.filters
    )
    return f"{kind.title if kind else rule.evaluator}: {what}{share}{f', where {where}' if where else ''}"


def tried_line(row: SubjectRow, verdict: Verdict, *, project: str) -> TriedLine:
    """One subject and what was said of it."""
    tone = "" if verdict.given else "warn"
    if isinstance(verdict.value, bool):
        tone = "ok" if verdict.value else "error"
    said = answer_of(row.output) or row.error_message
    return TriedLine(
        href=f"{reverse('traces:trace', args=[project, row.trace_id])}?span={row.span_id}",
        name=row.model or row.kind,
        at=row.end,
        output=said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}…",
        verdict=verdict_words(verdict),
        tone=tone,
        comment=verdict.comment if verdict.given else verdict.reason,
    )


def verdict_words(verdict: Verdict) -> str:
    """true, false, a number, a word, or that there is none."""
    if not verdict.given:
        return "no verdict"
    if isinstance(verdict.value, bool):
        return json.dumps(verdict.value)
    return verdict.text or number_text(verdict.value)


def _value(value: float | None, text: str, *, boolean: bool) -> str:
    if value is None:
        return text or "no verdict"
    return json.dumps(value == 1.0) if boolean else number_text(value)
