"""The JSON twins of the pages of rules and back-fills. A key reads; what changes something is done by a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import PAGE, parameter, read_schema
from apps.api.reading import ReadView
from apps.api.rule_error import RuleError
from apps.api.scope import project_of
from apps.api.shapes import page_of
from apps.api.writing import WriteView, write_schema
from apps.evals.api_shapes import (
    BackfillChange,
    BackfillShape,
    BackfillWrite,
    EvaluationRuleShape,
    EvaluationRuleWrite,
    EvaluatorShape,
)
from apps.evals.backfills import backfill_plan, backfill_start, backfill_stop
from apps.evals.evaluators import EVALUATORS, schema_of
from apps.evals.models import Backfill
from apps.evals.selectors import backfill_of, backfills_of, rule_of, rules_of
from apps.evals.services import rule_create, rule_delete, rule_update
from apps.evals.spec import settings_of

__all__ = ["BackfillListView", "BackfillView", "EvaluationRuleListView", "EvaluationRuleView", "EvaluatorListView"]


class EvaluationView(WriteView):
    """A view about evaluations."""

    changes = "Evaluations"


class EvaluatorListView(ReadView):
    """Evaluators."""

    @read_schema(page_of(EvaluatorShape), summary="What can judge, and its settings")
    def get(self, request: Request) -> Response:
        """The same for every project."""
        project_of(request)
        rows = [
            {"name": name, "settings": schema_of(settings_of(name))}
            | {field: getattr(kind, field) for field in ("version", "title", "help", "data_type", "asks")}
            for name, kind in EVALUATORS.items()
        ]
        return Response({"data": EvaluatorShape(rows, many=True).data, "next": None})


class EvaluationRuleListView(EvaluationView):
    """Rules."""

    @read_schema(page_of(EvaluationRuleShape), PAGE, summary="Evaluation rules, newest first")
    def get(self, request: Request) -> Response:
        """Without their secrets."""
        return self.page(request, rules_of(project_of(request)), lambda row: EvaluationRuleShape(row).data)

    @write_schema(EvaluationRuleWrite, EvaluationRuleShape, summary="Make an evaluation rule", status=201)
    def post(self, request: Request) -> Response:
        """It judges what arrives from now on."""
        project, person = self.writable(request)
        rule = rule_create(project=project, value=_object(request.data), created_by=person, now=self.now())
        return Response(EvaluationRuleShape(rule).data, status=201)


class EvaluationRuleView(EvaluationView):
    """One rule."""

    @read_schema(EvaluationRuleShape, summary="One evaluation rule")
    def get(self, request: Request, rule_id: str) -> Response:
        """Without its secrets."""
        return Response(EvaluationRuleShape(rule_of(project_of(request), rule_id)).data)

    @write_schema(EvaluationRuleWrite(partial=True), EvaluationRuleShape, summary="Change an evaluation rule")
    def patch(self, request: Request, rule_id: str) -> Response:
        """A secret that is left out stays."""
        project, person = self.writable(request)
        rule = rule_of(project, rule_id)
        rule = rule_update(rule=rule, value=_object(request.data), by=person, now=self.now())
        return Response(EvaluationRuleShape(rule).data)

    @write_schema(None, None, summary="Delete an evaluation rule; its scores stay", status=204)
    def delete(self, request: Request, rule_id: str) -> Response:
        """Its back-fills go with it."""
        project, _ = self.writable(request)
        rule_delete(rule=rule_of(project, rule_id), now=self.now())
        return Response(status=204)


class BackfillListView(EvaluationView):
    """Back-fills."""

    @read_schema(
        page_of(BackfillShape), (parameter("rule", "Of this rule: its id."),), PAGE, summary="Back-fills, newest first"
    )
    def get(self, request: Request) -> Response:
        """With their progress."""
        rows = backfills_of(project_of(request), rule=request.query_params.get("rule", ""))
        return self.page(request, rows, lambda row: BackfillShape(row).data)

    @write_schema(BackfillWrite, BackfillShape, summary="Plan a back-fill: count and estimate", status=201)
    def post(self, request: Request) -> Response:
        """Nothing is judged before it is started."""
        project, person = self.writable(request)
        given = _object(request.data)
        if left := set(given) - {"rule", "start", "end"}:
            raise RuleError(min(left), f"{min(left)!r:.60} is not known here", "rule, start, end")
        rule = rule_of(project, str(given.get("rule", "")))
        end = _moment("end", given["end"]) if given.get("end") is not None else self.now()
        planned = backfill_plan(
            rule=rule, start=_moment("start", given.get("start")), end=end, by=person, reads=self.reads(),
            now=self.now(),
        )  # fmt: skip
        return Response(BackfillShape(planned).data, status=201)


class BackfillView(EvaluationView):
    """One back-fill."""

    @read_schema(BackfillShape, summary="One back-fill and its progress")
    def get(self, request: Request, backfill_id: str) -> Response:
        """How far it has come."""
        return Response(BackfillShape(backfill_of(project_of(request), backfill_id)).data)

    @write_schema(BackfillChange, BackfillShape, summary="Start or stop a back-fill")
    def patch(self, request: Request, backfill_id: str) -> Response:
        """One that was stopped or failed goes on where it was."""
        project, _ = self.writable(request)
        backfill: Backfill = backfill_of(project, backfill_id)
        given = _object(request.data)
        if set(given) != {"state"} or given["state"] not in {"running", "stopped"}:
            raise RuleError("state", f"state={given.get('state')!r:.60} is not accepted", "running or stopped")
        if given["state"] == "running":
            backfill_start(backfill=backfill)
        else:
            backfill_stop(backfill=backfill, now=self.now())
        return Response(BackfillShape(backfill_of(project, backfill_id)).data)


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise RuleError("body", f"{body!r:.60} is no object", "an object of named values")
    return {str(name): value for name, value in body.items()}


def _moment(field: str, value: object) -> datetime:
    hint = "ISO 8601 with a zone, such as 2026-05-20T00:00:00Z"
    if not isinstance(value, str):
        raise RuleError(field, f"{field}={value!r:.60} is no time", hint)
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise RuleError(field, f"{field}={value[:60]!r} is no time", hint) from error
    if found.tzinfo is None:
        raise RuleError(field, f"{field}={value[:60]!r} has no zone", hint)
    return found
