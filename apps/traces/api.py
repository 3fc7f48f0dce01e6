"""The JSON twins of the trace pages: overview, any aggregate, traces, spans, sessions, users, facets."""

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.analytics.facets import Facets, facets
from apps.analytics.overview import aggregate, overview
from apps.analytics.parse import QueryError, range_from
from apps.analytics.people import PeopleRow, session_list, user_list
from apps.analytics.query import Page, Query
from apps.analytics.result import Overview, Table
from apps.analytics.rows import SpanRow, SpanText, TraceDetail, TraceRow
from apps.analytics.scores import ScoreRow, scores_of_trace
from apps.analytics.spans import span_detail, span_list, span_trace
from apps.analytics.traces import trace_detail, trace_list
from apps.api.json_values import as_json, money_text
from apps.api.parameters import AGGREGATE, FILTERS, PAGE, RANGE, read_schema
from apps.api.reading import ListPage, ListView, ReadView
from apps.api.scope import project_of
from apps.api.shapes import page_shape, shape_of

__all__ = [
    "AggregateView",
    "FacetsView",
    "OverviewView",
    "SessionListView",
    "SpanListView",
    "SpanView",
    "TraceListView",
    "TraceView",
    "UserListView",
]

_SPAN = type("Span", (shape_of(SpanRow), shape_of(SpanText)), {})
_TRACE = type(
    "Trace",
    (shape_of(TraceRow),),
    {
        "span_list": shape_of(SpanRow)(many=True),
        "scores": shape_of(ScoreRow)(many=True),
        "more": serializers.IntegerField(help_text="Spans beyond those listed."),
    },
)
_CELL = serializers.JSONField(allow_null=True)
_TABLE = inline_serializer(
    "Table",
    {
        "start": serializers.DateTimeField(),
        "end": serializers.DateTimeField(),
        "source": serializers.ChoiceField(["rollup", "spans"]),
        "width_seconds": serializers.IntegerField(allow_null=True),
        "data": serializers.ListField(child=serializers.DictField(child=_CELL)),
    },
)


class OverviewView(ReadView):
    """The overview page's numbers."""

    @read_schema(shape_of(Overview), RANGE, FILTERS, summary="Spend, requests, errors, tokens and latency")
    def get(self, request: Request) -> Response:
        """Totals, the period before, over time, by model."""
        found = overview(self.reads(), self.query(request), now=self.now())
        return Response(as_json(found))


class AggregateView(ReadView):
    """Any metrics by any dimensions."""

    @read_schema(_TABLE, RANGE, FILTERS, AGGREGATE, summary="Any metrics by any dimensions")
    def get(self, request: Request) -> Response:
        """One row a group, with the names that were asked for as keys."""
        query = self.query(request)
        if not query.metrics:
            raise QueryError("metrics", "metrics is missing", "comma-separated names such as cost,requests")
        return Response(_table(aggregate(self.reads(), query)))


class TraceListView(ListView):
    """Traces that began in the range, newest first."""

    row = TraceRow
    name = "traces"

    @read_schema(page_shape(TraceRow), RANGE, FILTERS, PAGE, summary="Traces, newest first")
    def get(self, request: Request) -> HttpResponseBase:
        """A trace is listed when one of its spans matches every filter."""
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return trace_list(self.reads(), query, page)


class TraceView(ReadView):
    """One trace."""

    @read_schema(_TRACE, summary="One trace with its spans and scores")
    def get(self, request: Request, trace_id: str) -> Response:
        """Spans in the order they started; their texts are at /spans/{span_id}."""
        found = trace_detail(self.reads(), project_of(request).pk, trace_id, texts=False)
        if found is None:
            raise NotFound
        scores = scores_of_trace(self.reads(), project_of(request).pk, trace_id, found.trace.session_id)
        return Response({**_trace(found), "scores": [as_json(score) for score in scores]})


class SpanListView(ListView):
    """Spans that started in the range, newest first."""

    row = SpanRow
    name = "spans"

    @read_schema(page_shape(SpanRow), RANGE, FILTERS, PAGE, summary="Spans, newest first")
    def get(self, request: Request) -> HttpResponseBase:
        """Spans without their texts."""
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return span_list(self.reads(), query, page)


class SpanView(ReadView):
    """One span."""

    @read_schema(_SPAN, summary="One span with its texts")
    def get(self, request: Request, span_id: str) -> Response:
        """Everything that is stored of it."""
        project = project_of(request)
        trace_id = span_trace(self.reads(), project.pk, span_id)
        found = span_detail(self.reads(), project.pk, trace_id, span_id) if trace_id is not None else None
        if found is None:
            raise NotFound
        row, text = found
        return Response({**as_json(row), **as_json(text)})


class SessionListView(ListView):
    """Sessions, last seen first."""

    row = PeopleRow
    name = "sessions"

    @read_schema(page_shape(PeopleRow), RANGE, FILTERS, PAGE, summary="Sessions, last seen first")
    def get(self, request: Request) -> HttpResponseBase:
        """What each amounts to."""
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return session_list(self.reads(), query, page)


class UserListView(ListView):
    """Users, last seen first."""

    row = PeopleRow
    name = "users"

    @read_schema(page_shape(PeopleRow), RANGE, FILTERS, PAGE, summary="Users, last seen first")
    def get(self, request: Request) -> HttpResponseBase:
        """What each amounts to."""
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return user_list(self.reads(), query, page)


class FacetsView(ReadView):
    """What filters can be set to."""

    default_range = "7d"

    @read_schema(shape_of(Facets), RANGE, summary="Models, providers, environments, kinds and sources in use")
    def get(self, request: Request) -> Response:
        """Most used first."""
        project = project_of(request)
        time_range = range_from(request.query_params, now=self.now(), default=self.default_range)
        return Response(as_json(facets(self.reads(), project.pk, time_range)))


def _trace(found: TraceDetail) -> dict[str, Any]:
    return {
        **as_json(found.trace),
        "span_list": [as_json(span) for span in found.spans],
        "more": found.more,
    }


def _table(table: Table) -> dict[str, Any]:
    rows = []
    for row in table.rows:
        cells = dict(zip((*table.dimensions, *table.metrics), (*row.dimensions, *row.metrics), strict=True))
        if cells.get("cost") is not None:
            cells["cost"] = money_text(cells["cost"])  # type: ignore[arg-type]
        rows.append(cells)
    return {
        "start": table.range.start,
        "end": table.range.end,
        "source": table.source,
        "width_seconds": table.width.seconds if table.width else None,
        "data": rows,
    }
