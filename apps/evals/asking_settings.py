"""What may be set on a rule whose evaluator asks a model, beside the evaluator's own settings. Pure."""

import re

from apps.evals.evaluators.settings import EvaluatorError, Setting

__all__ = ["ASKING", "SECRET", "asking_check"]

ASKING = (
    Setting(name="model", label="Model", required=True, most=200, help="Which one judges, as its provider calls it."),
    Setting(
        name="route",
        label="Route of the gateway",
        default="openai/v1",
        most=200,
        help="The provider, as in base URLs of the gateway: openai/v1, groq/openai/v1, vllm/v1.",
    ),
    Setting(
        name="api_key",
        label="The provider's key",
        most=2000,
        help="Kept encrypted, never shown again. A model of your own may need none.",
    ),
)
SECRET = ("api_key",)
_ROUTE = re.compile(r"/?[A-Za-z0-9_-]+(/[A-Za-z0-9_.-]*[A-Za-z0-9_-])*/?")


def asking_check(settings: dict[str, object]) -> None:
    """Refuse what cannot be asked. Raises EvaluatorError."""
    model, route = settings.get("model"), str(settings.get("route", ""))
    if not isinstance(model, str) or not model.strip():
        raise EvaluatorError("model", "model is missing; give the model that judges, as its provider calls it")
    if _ROUTE.fullmatch(route) is None:
        raise EvaluatorError("route", f"route={route[:60]!r} is not accepted; give a path such as openai/v1")
