"""Which filters the trace list has. Pure."""

from django.http import QueryDict

from apps.analytics.facets import Facets
from apps.analytics.query import Field
from apps.ui.filters import Filters, filters_of
from ingestion.records import CostStatus, SpanKind, SpanStatus

__all__ = ["filter_bar"]

_LABELS = {
    Field.MODEL: "Model",
    Field.PROVIDER: "Provider",
    Field.STATUS: "Status",
    Field.KIND: "Kind",
    Field.SOURCE: "Source",
    Field.ENVIRONMENT: "Environment",
    Field.USER: "User",
    Field.SESSION: "Session",
    Field.TAG: "Tag",
    Field.NAME: "Span name",
    Field.TRACE_NAME: "Trace name",
    Field.TRACE: "Trace id",
    Field.SERVICE: "Service",
    Field.RELEASE: "Release",
    Field.PROMPT: "Prompt",
    Field.TOOL: "Tool",
    Field.AGENT: "Agent",
    Field.COST_STATUS: "Cost status",
}
_IN_SIGHT = (Field.MODEL, Field.PROVIDER, Field.STATUS)
_MORE = (
    Field.USER,
    Field.SESSION,
    Field.TAG,
    Field.ENVIRONMENT,
    Field.KIND,
    Field.COST_STATUS,
    Field.NAME,
    Field.RELEASE,
)


def filter_bar(parameters: QueryDict, facets: Facets) -> Filters:
    """Return the bar for the present address."""
    options = {
        Field.MODEL: facets.models,
        Field.PROVIDER: facets.providers,
        Field.ENVIRONMENT: facets.environments,
        Field.STATUS: tuple(SpanStatus),
        Field.KIND: tuple(SpanKind),
        Field.COST_STATUS: tuple(CostStatus),
    }
    return filters_of(parameters, labels=_LABELS, in_sight=_IN_SIGHT, more=_MORE, options=options, searched=True)
