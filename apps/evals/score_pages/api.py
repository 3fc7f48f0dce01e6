"""The JSON twins of the pages of scores."""

from django.conf import settings
from drf_spectacular.utils import inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.analytics.score_trends import ScoreTrend, score_trend
from apps.analytics.scores import SCORE_FILTERS, ScoreName, score_names
from apps.analytics.sql.judged import FILTERED, SCORE_BY
from apps.api.json_values import as_json
from apps.api.parameters import FILTERS, RANGE, parameter, read_schema
from apps.api.reading import ReadView
from apps.api.scope import project_of
from apps.api.shapes import shape_of
from apps.evals.score_pages.asked import asked_from

__all__ = ["ScoreNamesView", "ScoreTrendView"]

_LISTED = tuple(one for one in FILTERS if one.name in SCORE_FILTERS)
_TREND = (
    parameter("name", "The name of the score.", required=True),
    parameter("by", "What it is broken down by. Default model.", enum=list(SCORE_BY)),
    parameter("worst", "Which verdicts are the worst. Default lowest.", enum=["lowest", "highest"]),
    *(one for one in FILTERS if one.name in {field.value for field in FILTERED}),
)


class ScoreNamesView(ReadView):
    """Names of scores."""

    default_range = "7d"

    @read_schema(
        inline_serializer("ScoreNameList", {"data": shape_of(ScoreName)(many=True)}), RANGE, _LISTED,
        summary="Names of scores with what they amount to, the most used first",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """`counts` and `means` are in even steps of the range."""
        found = score_names(self.reads(), self.query(request))
        return Response({"data": [as_json(row) for row in found]})


class ScoreTrendView(ReadView):
    """One score."""

    default_range = "7d"

    @read_schema(
        shape_of(ScoreTrend), RANGE, _TREND,
        summary="One score over time, by group, its distribution, its worst examples, and beside cost",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """A mean of booleans is the share that is true; what nothing is known of is null."""
        asked = asked_from(
            request.query_params, project_id=project_of(request).pk, now=self.now(), time_zone=settings.TIME_ZONE,
            default_range=self.default_range,
        )  # fmt: skip
        found = score_trend(self.reads(), asked.query, asked.name, by=asked.by, highest=asked.highest)
        return Response(as_json(found))
