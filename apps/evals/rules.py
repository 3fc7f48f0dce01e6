"""An evaluation rule as it is kept → as a value, and back."""

from typing import Any

from apps.evals.models import EvaluationRule
from apps.evals.spec import RuleSpec, spec_from

__all__ = ["spec_of", "spec_put", "spec_written"]


def spec_of(rule: EvaluationRule) -> RuleSpec:
    """Read a row. Raises RuleError when this version does not know its evaluator."""
    return spec_from(spec_written(rule))


def spec_written(rule: EvaluationRule) -> dict[str, Any]:
    """The JSON of a rule, without secrets."""
    return {
        "name": rule.name,
        "score_name": rule.score_name,
        "evaluator": rule.evaluator,
        "settings": rule.settings,
        "filters": rule.filters,
        "share": rule.share,
        "target": rule.target,
        "enabled": rule.enabled,
    }


def spec_put(rule: EvaluationRule, spec: RuleSpec) -> None:
    """Write a value into a row, which is not saved."""
    rule.name, rule.score_name, rule.evaluator = spec.name, spec.score_name, spec.evaluator
    rule.settings, rule.filters = dict(spec.settings), spec.filters_written()
    rule.share, rule.target, rule.enabled = spec.share, spec.target, spec.enabled
