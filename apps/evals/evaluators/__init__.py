"""The registry of evaluators. One more is one file here, an import and one line below."""

from collections.abc import Mapping
from dataclasses import replace

from apps.evals.evaluators.base import Answer, Ask, AskError, Evaluator, EvaluatorError, Setting, Subject, Verdict
from apps.evals.evaluators.groundedness import Groundedness
from apps.evals.evaluators.json_valid import JsonValid
from apps.evals.evaluators.language import Language
from apps.evals.evaluators.length import Length
from apps.evals.evaluators.limits import Limits
from apps.evals.evaluators.llm_judge import LlmJudge
from apps.evals.evaluators.personal_data import PersonalData
from apps.evals.evaluators.refusal import Refusal
from apps.evals.evaluators.settings import schema_of
from apps.evals.evaluators.text_match import TextMatch
from apps.evals.evaluators.toxicity import Toxicity

__all__ = [
    "EVALUATORS",
    "Answer",
    "Ask",
    "AskError",
    "Evaluator",
    "EvaluatorError",
    "Setting",
    "Subject",
    "Verdict",
    "evaluator_names",
    "evaluator_of",
    "schema_of",
]

EVALUATORS: dict[str, type[Evaluator]] = {
    evaluator.name: evaluator
    for evaluator in (
        TextMatch,
        JsonValid,
        Length,
        Language,
        Refusal,
        Toxicity,
        PersonalData,
        Limits,
        Groundedness,
        LlmJudge,
    )
}


def evaluator_names() -> tuple[str, ...]:
    """Return the names of all evaluators, in the order of the registry."""
    return tuple(EVALUATORS)


def evaluator_of(name: str, settings: Mapping[str, object], *, ask: Ask | None = None) -> Evaluator:
    """Return an evaluator with its settings; `ask` goes to one that asks a model. Raises EvaluatorError."""
    kind = EVALUATORS.get(name)
    if kind is None:
        raise EvaluatorError("evaluator", f"evaluator={name!r} is not known; one of {', '.join(EVALUATORS)}")
    made = kind.parse(settings)
    return replace(made, ask=ask) if made.asks and ask is not None else made  # type: ignore[type-var]
