"""Which filters a score's page has. Pure."""

from django.http import QueryDict

from apps.analytics.facets import Facets
from apps.analytics.query import Field
from apps.analytics.sql.judged import FILTERED
from apps.ui.filters import Filters, filters_of
from ingestion.scores.rules import ScoreSource

__all__ = ["score_filters"]

_LABELS = {
    Field.MODEL: "Model",
    Field.PROVIDER: "Provider",
    Field.ENVIRONMENT: "Environment",
    Field.SOURCE: "Given by",
    Field.PROMPT: "Prompt",
    Field.USER: "User",
    Field.SESSION: "Session",
    Field.SERVICE: "Service",
    Field.RELEASE: "Release",
    Field.TAG: "Tag",
    Field.TRACE: "Trace id",
    Field.TRACE_NAME: "Trace name",
    Field.AGENT: "Agent",
}
_IN_SIGHT = (Field.MODEL, Field.ENVIRONMENT, Field.SOURCE)
_MORE = (Field.PROMPT, Field.USER, Field.SERVICE, Field.RELEASE, Field.SESSION, Field.TAG, Field.TRACE_NAME)


def score_filters(parameters: QueryDict, facets: Facets) -> Filters:
    """The bar for the present address."""
    options = {
        Field.MODEL: facets.models,
        Field.ENVIRONMENT: facets.environments,
        Field.SOURCE: tuple(ScoreSource),
    }
    return filters_of(parameters, labels=_LABELS, in_sight=_IN_SIGHT, more=_MORE, options=options, conditions=FILTERED)
