"""Puts made-up answers in the place of apps.analytics' reads, so that pages run without a store."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, tzinfo
from typing import Any
from unittest import mock

from apps.alerts import channel_views, incident_views
from apps.alerts import views as rule_views
from apps.evals import backfill_views
from apps.evals import views as evaluation_views
from apps.evals.score_pages import views as trend_views
from apps.gpu import views as gpu_views
from apps.ledger import views as ledger_views
from apps.traces import score_views
from apps.traces import views as trace_views
from tests.browser import sample, sample_gpu, sample_scores, sample_trace, sample_trends
from tests.browser.sample_alerts import alert_answers
from tests.browser.sample_evals import eval_answers

__all__ = ["played"]


class _Clock(datetime):
    """`now` is the sample's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Clock":
        return cls.fromtimestamp(sample.NOW.timestamp(), tz)


def played(size: Callable[[], str]) -> ExitStack:
    """Enter it to have every read answered from the sample."""
    stack = ExitStack()

    def put(module: Any, name: str, answer: Callable[..., Any]) -> None:
        stack.enter_context(mock.patch.object(module, name, answer))

    for module in (trace_views, ledger_views):
        put(module, "reads", lambda: None)
        put(module, "datetime", _Clock)
    put(trace_views, "overview", lambda reads, query, now: sample.overview_of(size()))
    put(trace_views, "trace_list", lambda reads, query, page: sample.trace_page_of(size()))
    put(trace_views, "facets", lambda reads, project_id, time_range: sample.FACETS)
    put(trace_views, "trace_detail", lambda reads, project_id, trace_id: _detail(trace_id, size()))
    put(trace_views, "span_detail", lambda reads, project_id, trace_id, span_id: _span(trace_id, span_id, size()))
    put(trace_views, "served_moment", lambda reads, project_id, span, text: sample_gpu.moment_of(size(), span))
    gpu_answers: dict[str, Callable[..., Any]] = {
        "reads": lambda: None,
        "datetime": _Clock,
        "fleet": lambda reads, project_id, time_range: sample_gpu.fleet_of(size()),
        "serving": lambda reads, project_id, time_range: sample_gpu.serving_of(size()),
        "host_costs": lambda reads, project_id, time_range, **more: sample_gpu.costs_of(size(), **more),
        "timeline": lambda reads, project_id, time_range, zone: sample_gpu.timeline_of(size()),
        "prices_now": lambda home: sample_gpu.prices_of(size()),
    }
    for name, answer in gpu_answers.items():
        put(gpu_views, name, answer)
    put(trend_views, "reads", lambda: None)
    put(trend_views, "datetime", _Clock)
    put(trend_views, "facets", lambda reads, project_id, time_range: sample.FACETS)
    put(trend_views, "score_names", lambda reads, query: sample_trends.names_of(size()))
    put(trend_views, "score_trend", lambda reads, query, name, **more: sample_trends.trend_of(size(), name))
    answers = alert_answers(size)
    for module, name in ((incident_views, "course_of"), (incident_views, "examples_of"), (rule_views, "tried_on")):
        put(module, name, answers[name])
    for module in (incident_views, rule_views, channel_views):
        put(module, "datetime", _Clock)
    for module in (incident_views, rule_views):
        put(module, "reads", lambda: None)
    for name, answer in eval_answers(size).items():
        put(evaluation_views, name, answer)
    for module in (evaluation_views, backfill_views):
        put(module, "reads", lambda: None)
        put(module, "datetime", _Clock)
    put(score_views, "reads", lambda: None)
    put(score_views, "trace_detail", lambda reads, project_id, trace_id: _detail(trace_id, size()))
    put(
        score_views,
        "scores_of_trace",
        lambda reads, project_id, trace_id, session_id: sample_scores.scores_of(size()),
    )
    put(trace_views, "session_list", lambda reads, query, page: sample.people_of(size(), "session"))
    put(trace_views, "user_list", lambda reads, query, page: sample.people_of(size(), "user"))
    put(ledger_views, "ledger_now", lambda reads, project_id, time_range, now, zone: sample.ledger_of(size()))
    put(ledger_views, "drop_list", lambda reads, project_id, time_range, page, reason: sample.drops_of(size()))
    return stack


def _detail(trace_id: str, size: str) -> Any:
    return sample_trace.long_detail() if trace_id == "long" else sample_trace.detail_of(size)


def _span(trace_id: str, span_id: str, size: str) -> Any:
    detail = _detail(trace_id, size)
    span = next((span for span in detail.spans if span.span_id == span_id), None) if detail else None
    return (span, detail.texts.get(span_id) or sample_trace.span_text(span_id)) if span else None
