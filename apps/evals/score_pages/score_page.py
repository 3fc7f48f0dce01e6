"""A score's trend → its page. Pure."""

from collections.abc import Callable
from datetime import datetime

from django.http import QueryDict

from apps.analytics.facets import Facets
from apps.analytics.score_trends import ScoreGroup, ScoreTrend, WorstScore
from apps.analytics.sql.judged import SCORE_BY
from apps.evals.score_pages.charts import trend_charts
from apps.evals.score_pages.contexts import GroupLine, ScoreContext, WorstLine
from apps.evals.score_pages.filters import score_filters
from apps.evals.score_pages.words import range_words, verdict_words
from apps.ui.format import count_text, number_text, percent_text
from apps.ui.links import Choice, changed
from apps.ui.range_picker import RangePicker

__all__ = ["broken_score_page", "score_page"]


def score_page(
    trend: ScoreTrend,
    facets: Facets,
    *,
    parameters: QueryDict,
    picker: RangePicker,
    now: datetime,
    trace_path: Callable[[str], str],
    alert_path: str,
) -> ScoreContext:
    """Return the page."""
    highest = parameters.get("worst") == "highest"
    return ScoreContext(
        name=trend.name,
        picker=picker,
        now=now,
        filters=score_filters(parameters, facets),
        tiles=_tiles(trend),
        charts=trend_charts(trend),
        dimensions=tuple(
            Choice(one.label, changed(parameters, {"by": name}), current=name == trend.by)
            for name, one in SCORE_BY.items()
        ),
        groups=tuple(_group(one, trend, parameters) for one in trend.groups),
        dimension=SCORE_BY[trend.by].label,
        worst=tuple(_worst(one, trend.data_type, trace_path) for one in trend.worst),
        worst_choices=(
            Choice("Lowest first", changed(parameters, {"worst": None}), current=not highest),
            Choice("Highest first", changed(parameters, {"worst": "highest"}), current=highest),
        )
        if trend.totals.mean is not None
        else (),
        limited=trend.limited,
        alert_href=alert_path,
        problem_message="",
        problem_hint="",
    )


def broken_score_page(name: str, message: str, hint: str, *, picker: RangePicker, now: datetime) -> ScoreContext:
    """The page for an address that could not be read."""
    return ScoreContext(
        name=name, picker=picker, now=now, filters=None, tiles=(), charts=(), dimensions=(), groups=(), dimension="",
        worst=(), worst_choices=(), limited=False, alert_href="", problem_message=message, problem_hint=hint,
    )  # fmt: skip


def _tiles(trend: ScoreTrend) -> tuple[tuple[str, str], ...]:
    totals = trend.totals
    share = totals.no_verdict / totals.count if totals.count else None
    known = [("Share that is true" if trend.data_type == "boolean" else "Mean",
              verdict_words(totals.mean, trend.data_type))]  # fmt: skip
    if totals.least is not None and totals.most is not None and trend.data_type != "boolean":
        known += [("Lowest", number_text(totals.least)), ("Highest", number_text(totals.most))]
    if totals.mean is None and trend.categories:
        known = [("Commonest", f"{trend.categories[0].category} ({percent_text(trend.categories[0].share)})")]
    return (("Scores", count_text(totals.count)), *known, ("Without a verdict", percent_text(share)))


def _group(one: ScoreGroup, trend: ScoreTrend, parameters: QueryDict) -> GroupLine:
    field = SCORE_BY[trend.by].field
    whole = field is not None and field.value == trend.by  # a prompt's version is no filter: that of the prompt is
    return GroupLine(
        name=one.group or "(none)",
        href=changed(parameters, {field.value: one.group}) if whole and field is not None and one.group else "",
        numbers=one.numbers,
        mean=verdict_words(one.numbers.mean, trend.data_type),
        span=range_words(one.numbers.least, one.numbers.most, trend.data_type),
        cost=one.cost,
    )


def _worst(one: WorstScore, data_type: str, trace_path: Callable[[str], str]) -> WorstLine:
    if one.category:
        verdict = one.category
    elif data_type == "boolean" and one.value is not None:
        verdict = "true" if one.value else "false"
    else:
        verdict = number_text(one.value)
    query = f"?span={one.span_id}" if one.span_id else ""
    return WorstLine(one, verdict, f"{trace_path(one.trace_id)}{query}" if one.trace_id else "")
