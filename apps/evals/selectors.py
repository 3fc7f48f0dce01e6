"""Looking things up: always within one project, so that an outsider's id is an id of nothing."""

from django.db.models import QuerySet

from apps.accounts.models import Project
from apps.accounts.row_ids import id_of, row_of
from apps.evals.models import Backfill, EvaluationRule

__all__ = ["backfill_of", "backfills_of", "rule_of", "rules_of"]


def rules_of(project: Project) -> QuerySet[EvaluationRule]:
    """Rules by name."""
    return EvaluationRule.objects.filter(project=project).select_related("project")


def backfills_of(project: Project, *, rule: str = "") -> QuerySet[Backfill]:
    """Back-fills, newest first."""
    found = Backfill.objects.filter(rule__project=project).select_related("rule", "created_by")
    return found.filter(rule=id_of(rule)) if rule else found


def rule_of(project: Project, pk: str) -> EvaluationRule:
    """One rule, or 404."""
    return row_of(rules_of(project), pk, "evaluation rule")


def backfill_of(project: Project, pk: str) -> Backfill:
    """One back-fill, or 404."""
    return row_of(backfills_of(project), pk, "back-fill")
