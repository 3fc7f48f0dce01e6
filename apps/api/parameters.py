"""The parameters that reads share, as the schema describes them. What they mean is decided in apps.analytics.parse
alone.
"""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from apps.analytics.query import Field, TextMode
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.metrics import METRICS
from apps.api.shapes import ErrorShape

__all__ = ["AGGREGATE", "FILTERS", "PAGE", "PROJECT", "RANGE", "parameter", "read_schema"]


def parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, type=more.pop("type", OpenApiTypes.STR), description=description, **more)


PROJECT = (parameter("project", "Slug or id. A key implies its own; a browser session must name one."),)
RANGE = (
    parameter("range", "Length of time until now: 30m, 24h, 7d, 4w. Default 24h. Not together with from or to."),
    parameter("from", "Start: ISO 8601 or Unix seconds."),
    parameter("to", "End, not included. Default now."),
    parameter("tz", "IANA time zone of days and of times given without one. Default UTC."),
)
FILTERS = (
    parameter("q", "Free text in prompts and completions, or a trace or request id."),
    parameter("text_mode", "How free text matches.", enum=[mode.value for mode in TextMode]),
    *(
        parameter(
            field.value, f"Keep these; repeat for any of several. `{field.value}-not` leaves them out.", many=True
        )
        for field in Field
    ),
)
PAGE = (
    parameter("limit", "Rows of a page, 1 to 200. Default 50.", type=OpenApiTypes.INT),
    parameter("cursor", "`next` of the page before."),
)
AGGREGATE = (
    parameter("metrics", "Comma-separated: " + ", ".join(METRICS), required=True),
    parameter("by", "Comma-separated dimensions: " + ", ".join(DIMENSIONS)),
    parameter("order_by", "One of the metrics asked for."),
    parameter("order", "Direction.", enum=["asc", "desc"]),
    parameter("limit", "Rows, 1 to 1000. Default 100.", type=OpenApiTypes.INT),
)


def read_schema(shape: Any, *groups: tuple[OpenApiParameter, ...], summary: str) -> Any:
    """Describe one GET: its parameters, its answer, the errors it shares with all others."""
    parameters = [one for group in (PROJECT, *groups) for one in group]
    errors = dict.fromkeys((400, 401, 403, 404, 429, 503), ErrorShape)
    return extend_schema(summary=summary, parameters=parameters, responses={200: shape, **errors})
