"""The overview: totals, the period before, time series, models. A caller of aggregates; holds no SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.analytics.plan import TIME, Plan, Source, by_spans, plan_query, width_for
from apps.analytics.query import Query
from apps.analytics.result import (
    ModelRow,
    ModelSeries,
    Numbers,
    Overview,
    Table,
    TableRow,
    cell_from,
    change,
    filled,
    measures_from,
    numbers_from,
)
from apps.analytics.run import Reads
from apps.analytics.sql.aggregate import aggregate_statement, latency_statement, sums_statement
from apps.analytics.sql.metrics import LATENCY_METRICS

__all__ = ["aggregate", "change", "overview"]

_SUMS = (
    "requests",
    "errors",
    "traces",
    "spans",
    "cost",
    "unpriced",
    "estimated",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_MOST_MODELS = 50
_MOST_SERIES = 8
_MOST_POINTS = 20_000
_FEW_SPANS = 10_000  # of so many the percentiles are exact: reading them costs some ten milliseconds
_NOTHING = dict.fromkeys(LATENCY_METRICS)


class _Cuts:
    """Rows of one pass over the data: in total, by bucket number, by (model, provider), and by both."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self.total: Sequence[Any] | None = None
        self.buckets: dict[int, Sequence[Any]] = {}
        self.models: dict[tuple[str, str], Sequence[Any]] = {}
        self.over_time: dict[tuple[str, str], dict[int, Sequence[Any]]] = {}
        for no_time, no_model, bucket, model, provider, *values in rows:
            if no_time and no_model:
                self.total = values
            elif no_model:
                self.buckets[int(bucket)] = values
            elif no_time:
                self.models[str(model), str(provider)] = values
            else:
                self.over_time.setdefault((str(model), str(provider)), {})[int(bucket)] = values


def overview(reads: Reads, query: Query, *, now: datetime) -> Overview:
    """Answer the overview page, from roll-ups unless a filter asks for what only spans know. The period before is
    shown in total only, so it is read from coarser steps. Percentiles are exact where there are few spans: what a
    sketch says of two calls is the quicker one.
    """
    base = replace(query, metrics=_SUMS, dimensions=(TIME, "model", "provider"), order_by="", limit=_MOST_POINTS)
    earlier = replace(base, dimensions=()).over(query.range.previous())
    plan = plan_query(base)
    sums_rows, latency_rows, (before,), (latency_before,) = reads.together(
        sums_statement(plan, tag="overview.sums"),
        latency_statement(_latency_plan(base), tag="overview.latency"),
        aggregate_statement(plan_query(earlier), tag="overview.sums_before"),
        aggregate_statement(_latency_plan(earlier), tag="overview.latency_before"),
    )
    sums = _Cuts(sums_rows)
    latency = _exact(reads, plan, sums.total, tag="overview.latency_exact") or _Cuts(latency_rows)
    exact_before = _exact(reads, plan_query(base.over(earlier.range)), before, tag="overview.latency_exact_before")
    found = {number: _numbers(row, latency.buckets.get(number)) for number, row in sums.buckets.items()}
    models = _models(sums, latency)
    return Overview(
        range=query.range,
        previous_range=earlier.range,
        width=plan.width or width_for(query.range),
        totals=_numbers(sums.total, latency.total),
        previous=_numbers(before, exact_before.total if exact_before else latency_before),
        series=filled(plan.starts, found, now=now),
        models=models,
        model_series=tuple(_over_time(row, sums, plan, now=now) for row in models[:_MOST_SERIES]),
    )


def _latency_plan(base: Query) -> Plan:
    return plan_query(replace(base, metrics=LATENCY_METRICS))


def _exact(reads: Reads, plan: Plan, total: Sequence[Any] | None, *, tag: str) -> _Cuts | None:
    """The latency of few spans, or None: there are none, or too many, or it would be a second search through texts."""
    spans = total[_SUMS.index("spans")] if total is not None else 0
    if not 0 < spans <= _FEW_SPANS or (plan.source is Source.SPANS and plan.query.text):
        return None
    return _Cuts(reads.rows(latency_statement(by_spans(plan), tag=tag, exact=True)))


def _numbers(sums: Sequence[Any] | None, latency: Sequence[Any] | None) -> Numbers:
    if sums is None:
        return Numbers()
    return numbers_from(_SUMS, sums, measures_from(LATENCY_METRICS, latency) if latency else _NOTHING)


def aggregate(reads: Reads, query: Query) -> Table:
    """Answer any aggregate query: the metrics asked for, by the dimensions asked for."""
    plan = plan_query(query)
    width = len(query.dimensions)
    rows = []
    for row in reads.rows(aggregate_statement(plan, tag="aggregate")):
        keys = [
            plan.starts[int(value)] if name == TIME else cell_from(value)
            for name, value in zip(query.dimensions, row[:width], strict=True)
        ]
        rows.append(TableRow(tuple(keys), tuple(cell_from(value) for value in row[width:])))
    return Table(
        range=query.range,
        source=plan.source.value,
        width=plan.width,
        dimensions=query.dimensions,
        metrics=query.metrics,
        rows=tuple(rows),
    )


def _models(sums: _Cuts, latency: _Cuts) -> tuple[ModelRow, ...]:
    """The dearest first; those of unknown cost by their requests after them. A name that only spans bear which are no
    calls, or repeat one, has nothing to show.
    """
    found = {key: _numbers(row, latency.models.get(key)) for key, row in sums.models.items() if key[0]}
    rows = [ModelRow(*key, numbers) for key, numbers in found.items() if _used(numbers)]
    rows.sort(key=lambda row: (row.numbers.cost is None, -(row.numbers.cost or 0), -row.numbers.requests, row.model))
    return tuple(rows[:_MOST_MODELS])


def _used(numbers: Numbers) -> bool:
    return bool(numbers.requests or numbers.cost or numbers.unpriced or numbers.input_tokens or numbers.output_tokens)


def _over_time(row: ModelRow, sums: _Cuts, plan: Plan, *, now: datetime) -> ModelSeries:
    """Spend and requests of one model over time."""
    found = sums.over_time.get((row.model, row.provider), {})
    buckets = filled(plan.starts, {number: _numbers(values, None) for number, values in found.items()}, now=now)
    cost: list[Decimal | None] = []
    requests: list[int | None] = []
    for bucket in buckets:
        cost.append(bucket.numbers.cost if bucket.numbers else None)
        requests.append(bucket.numbers.requests if bucket.numbers else None)
    return ModelSeries(row.model, row.provider, tuple(cost), tuple(requests))
