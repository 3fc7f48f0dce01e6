"""An evaluation rule is a value: an evaluator with its settings, which spans, what share of them. Pure.

JSON → RuleSpec, or a RuleError that names the field; and back. Settings that are secret are no part of it.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.analytics.query import Field, Filter
from apps.api.rule_error import RuleError
from apps.evals.asking_settings import ASKING, asking_check
from apps.evals.evaluators import EVALUATORS, Ask, Evaluator, EvaluatorError, evaluator_names, evaluator_of
from apps.evals.evaluators.settings import Setting, read_settings
from apps.evals.models import Target

__all__ = ["RuleSpec", "filters_from", "settings_of", "spec_from", "within_share"]

_MOST_FILTERS = 20
_MOST_VALUES = 50
_FIELDS = ("name", "score_name", "evaluator", "settings", "filters", "share", "target", "enabled")
_SCALE = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """What is judged, by what, under which name its scores stand."""

    name: str
    score_name: str
    evaluator: str
    settings: Mapping[str, Any]
    filters: tuple[Filter, ...] = ()
    share: float = 1.0
    target: str = Target.SPAN
    enabled: bool = True

    def judge(self, *, ask: Ask | None = None) -> Evaluator:
        """The evaluator; `ask` is the means to ask a model."""
        return evaluator_of(self.evaluator, _own(self.evaluator, self.settings), ask=ask)

    def filters_written(self) -> list[dict[str, Any]]:
        """The filters as JSON."""
        return [{"field": one.field.value, "values": list(one.values), "negated": one.negated} for one in self.filters]

    @property
    def meaning(self) -> tuple[object, ...]:
        """What a verdict depends on: when this changes, so does the rule's version."""
        return self.evaluator, dict(self.settings), self.filters, self.target, self.score_name


def spec_from(value: object) -> RuleSpec:
    """Read a rule. Raises RuleError."""
    if not isinstance(value, Mapping):
        raise RuleError("rule", f"{value!r:.60} is no object", "an object with name, evaluator and settings")
    for field in value:
        if field not in _FIELDS:
            raise RuleError(
                str(field), f"{field}={value[field]!r:.60} is not known here", "one of " + ", ".join(_FIELDS)
            )
    evaluator = value.get("evaluator")
    if evaluator not in evaluator_names():
        said = "evaluator is missing" if evaluator is None else f"evaluator={evaluator!r:.60} does not exist"
        raise RuleError("evaluator", said, "one of " + ", ".join(evaluator_names()))
    name = _text("name", value.get("name"), most=120)
    settings = value.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise RuleError("settings", f"settings={settings!r:.60} is no object", "an object of named settings")
    try:
        evaluator_of(str(evaluator), _own(str(evaluator), settings))
        kept = _plain(str(evaluator), settings)
        if EVALUATORS[str(evaluator)].asks:
            asking_check(kept)
    except EvaluatorError as error:
        field = error.field if error.field == "settings" else f"settings.{error.field}"
        raise RuleError(field, error.message) from error
    return RuleSpec(
        name=name,
        score_name=_text("score_name", value.get("score_name") or str(evaluator), most=200),
        evaluator=str(evaluator),
        settings=kept,
        filters=filters_from(value.get("filters") or []),
        share=_share(value.get("share")),
        target=_choice("target", value.get("target") or Target.SPAN, Target.values),
        enabled=_boolean("enabled", value.get("enabled")),
    )


def filters_from(items: object) -> tuple[Filter, ...]:
    """Read filters: [{"field": "model", "values": ["gpt-4o"], "negated": false}]. Raises RuleError."""
    if not isinstance(items, list | tuple) or len(items) > _MOST_FILTERS:
        raise RuleError("filters", f"filters={items!r:.60} is not accepted", f"a list of up to {_MOST_FILTERS}")
    found = []
    for number, item in enumerate(items):
        path = f"filters.{number}"
        if not isinstance(item, Mapping):
            raise RuleError(path, f"{path}={item!r:.60} is no object", "an object with field and values")
        if left := set(item) - {"field", "values", "negated"}:
            raise RuleError(path, f"{min(map(str, left))!r:.60} is not known in {path}", "field, values, negated")
        field = _choice(f"{path}.field", item.get("field"), [one.value for one in Field])
        values, negated = item.get("values"), item.get("negated", False)
        if (
            not isinstance(values, list | tuple)
            or not 1 <= len(values) <= _MOST_VALUES
            or not all(isinstance(one, str) and len(one) <= 1000 and "\x00" not in one for one in values)
        ):
            raise RuleError(f"{path}.values", f"{path}.values={values!r:.60} is not accepted", "one or more texts")
        if not isinstance(negated, bool):
            raise RuleError(f"{path}.negated", f"{path}.negated={negated!r:.60} is not accepted", "true or false")
        found.append(Filter(Field(field), tuple(values), negated))
    return tuple(found)


def within_share(rule_id: str, trace_id: str, share: float) -> bool:
    """Whether a trace is among the share that the rule judges: the same answer for all of its spans, always."""
    digest = hashlib.blake2b(f"{rule_id}/{trace_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _SCALE < share * _SCALE


def settings_of(evaluator: str) -> tuple[Setting, ...]:
    """What may be set: the evaluator's own settings, and how a model is asked where it asks one."""
    kind = EVALUATORS[evaluator]
    if not kind.asks:
        return kind.settings
    of_asking = {one.name for one in ASKING}
    return (*(one for one in kind.settings if one.name not in of_asking), *ASKING)


def _own(evaluator: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only says how a model is asked."""
    kind = EVALUATORS[evaluator]
    of_asking = {one.name for one in ASKING} - {one.name for one in kind.settings} if kind.asks else set()
    return {name: value for name, value in settings.items() if name not in of_asking}


def _plain(evaluator: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON keeps them: read, with defaults, without what says nothing."""
    read = read_settings(settings_of(evaluator), settings)
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in read.items() if value is not None
    }


def _text(field: str, value: object, *, most: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > most or "\x00" in text:
        said = f"{field} is missing" if value is None else f"{field}={value!r:.60} is not accepted"
        raise RuleError(field, said, f"a text of up to {most} characters")
    return text


def _share(value: object) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 < value <= 1:
        raise RuleError("share", f"share={value!r:.60} is not accepted", "a number above 0, up to 1")
    return float(value)


def _boolean(field: str, value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise RuleError(field, f"{field}={value!r:.60} is not accepted", "true or false")
    return value


def _choice(field: str, value: object, accepted: list[str]) -> str:
    if value not in accepted:
        said = f"{field} is missing" if value is None else f"{field}={value!r:.60} is not accepted"
        raise RuleError(field, said, "one of " + ", ".join(accepted))
    return str(value)
