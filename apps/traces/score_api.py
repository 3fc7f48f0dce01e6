"""/api/v1/scores: read, give one or many, take back."""

import secrets
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Project, Role
from apps.analytics.parse import QueryError
from apps.analytics.query import Page, Query
from apps.analytics.scores import ScoreRow, score_detail, score_list
from apps.api.authentication import KeyHolder
from apps.api.json_values import as_json
from apps.api.parameters import FILTERS, PAGE, PROJECT, RANGE, read_schema
from apps.api.reading import ListPage, ListView, ReadView
from apps.api.scope import project_of
from apps.api.shapes import ErrorShape, page_shape, shape_of
from apps.traces.score_json import Giver, deletion_of, placed, row_of, scores_from
from ingestion.scores.inbox import inbox
from ingestion.scores.rules import DataType, ScoreSource

__all__ = ["ScoreListView", "ScoreView"]

_MOST_BYTES = 4 * 1024 * 1024
_FILTERS = tuple(
    one for one in FILTERS if one.name.removesuffix("-not") in {"name", "trace", "session", "source", "environment"}
)
_SCORE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "id": {"type": "string", "maxLength": 200, "description": "The same id again corrects. Made up when missing."},
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "value": {"oneOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}]},
        "text_value": {"type": "string", "description": "Instead of `value`, for a text."},
        "data_type": {"type": "string", "enum": [*DataType], "description": "Follows from `value` when missing."},
        "trace_id": {"type": "string", "description": "32 hex digits."},
        "span_id": {"type": "string", "description": "16 hex digits, with its trace_id."},
        "session_id": {"type": "string", "maxLength": 200},
        "comment": {"type": "string", "maxLength": 32768},
        "source": {"type": "string", "enum": [*ScoreSource], "description": "A browser session is always human."},
        "author": {"type": "string", "maxLength": 200},
        "evaluator": {"type": "string", "maxLength": 200},
        "evaluator_version": {"type": "string", "maxLength": 200},
        "environment": {"type": "string", "maxLength": 200},
        "metadata": {"type": "object", "maxProperties": 64, "additionalProperties": {"type": "string"}},
        "timestamp": {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]},
    },
}
_BATCH = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scores"],
    "properties": {"scores": {"type": "array", "minItems": 1, "maxItems": 1000, "items": _SCORE}},
}
_GIVEN = inline_serializer("ScoresGiven", {"data": shape_of(ScoreRow)(many=True)})
_ERRORS = dict.fromkeys((400, 401, 403, 404, 429, 503), ErrorShape)


class ScoreListView(ListView):
    """Scores, newest first; and where new ones go."""

    http_method_names = ["get", "head", "options", "post"]
    row = ScoreRow
    name = "scores"

    @read_schema(page_shape(ScoreRow), RANGE, _FILTERS, PAGE, summary="Scores, newest first")
    def get(self, request: Request) -> HttpResponseBase:
        """Of each id the last version, by the time that it judges."""
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return score_list(self.reads(), query, page)

    @extend_schema(
        summary="Give one score, or up to 1000",
        parameters=[*PROJECT],
        request={"application/json": {"oneOf": [_SCORE, _BATCH]}},
        responses={202: _GIVEN, **_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Recorded when this answers, all or none; to be read within a second or two."""
        project = _writable(request)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > _MOST_BYTES:
            raise QueryError(
                "body", f"the body has {length[:20]} bytes", f"at most {_MOST_BYTES}; send smaller batches"
            )
        scores = scores_from(request.data, _giver(request, project), now=self.now(), new_id=_new_id)
        received_ns = inbox().add(project.pk, scores)
        rows = [row_of(score) for score in placed(scores, received_ns)]
        return Response({"data": [as_json(row) for row in rows]}, status=202)


class ScoreView(ReadView):
    """One score."""

    http_method_names = ["get", "head", "options", "delete"]

    @read_schema(shape_of(ScoreRow), summary="One score")
    def get(self, request: Request, score_id: str) -> Response:
        """Its last version."""
        return Response(as_json(self._found(project_of(request), score_id)))

    @extend_schema(summary="Take a score back", parameters=[*PROJECT], responses={204: None, **_ERRORS})
    def delete(self, request: Request, score_id: str) -> Response:
        """One more version, which says so: what it was stays in the table and is read no more."""
        project = _writable(request)
        inbox().add(project.pk, [deletion_of(self._found(project, score_id), project.pk, now=self.now())])
        return Response(status=204)

    def _found(self, project: Project, score_id: str) -> ScoreRow:
        found = score_detail(self.reads(), project.pk, score_id)
        if found is None:
            raise NotFound
        return found


def _writable(request: Request) -> Project:
    return project_of(request, role=Role.MEMBER)


def _giver(request: Request, project: Project) -> Giver:
    if isinstance(request.user, KeyHolder):
        return Giver(project.pk)
    return Giver(project.pk, source=ScoreSource.HUMAN, author=str(getattr(request.user, "email", ""))[:200])


def _new_id() -> str:
    return secrets.token_hex(16)
