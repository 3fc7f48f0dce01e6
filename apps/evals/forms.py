"""Forms of the pages of rules and back-fills: what may be typed. What it means is decided in spec.py, for pages and API
alike.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from apps.analytics.query import Field
from apps.api.rule_error import RuleError
from apps.evals.asking_settings import SECRET
from apps.evals.evaluators import Setting
from apps.evals.models import EvaluationRule, Target
from apps.evals.spec import settings_of

__all__ = ["BackfillForm", "RuleForm"]

_FILTER = re.compile(r"([a-z_]+)\s*(!?=)\s*(.+)")
_PREFIX = "s-"
_RANGES = [("1d", "last day"), ("7d", "last 7 days"), ("30d", "last 30 days"), ("90d", "last 90 days")]


class RuleForm(forms.Form):
    """One rule of one evaluator, whose settings are fields of their own."""

    name = forms.CharField(max_length=120)
    score_name = forms.CharField(
        max_length=200, required=False, label="Name of its scores", help_text="Empty: the evaluator's name."
    )
    target = forms.ChoiceField(choices=Target.choices, initial=Target.SPAN, label="Judges")
    filters = forms.CharField(
        required=False,
        label="Only where",
        help_text="One condition a line: model = gpt-4o, environment != staging.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    share = forms.FloatField(
        min_value=0.0001, max_value=100, initial=100, label="Share of traces (%)",
        help_text="The same traces each time, all their calls or none.",
    )  # fmt: skip
    enabled = forms.BooleanField(required=False, initial=True, label="Judge what arrives")

    def __init__(self, data: Any = None, *, evaluator: str, rule: EvaluationRule | None = None) -> None:
        super().__init__(data, initial=_initial(rule) if rule else {"name": ""})
        self.evaluator = evaluator
        self._settings = settings_of(evaluator)
        for setting in self._settings:
            self.fields[_PREFIX + setting.name] = _field(setting, kept=rule is not None)

    def of_evaluator(self) -> list[Any]:
        """The fields of the evaluator's settings."""
        return [self[_PREFIX + setting.name] for setting in self._settings]

    def value(self) -> dict[str, Any]:
        """The rule as JSON."""
        given = self.cleaned_data
        settings = {setting.name: given.get(_PREFIX + setting.name) for setting in self._settings}
        return {
            "name": given["name"],
            "score_name": given["score_name"],
            "evaluator": self.evaluator,
            "settings": {name: value for name, value in settings.items() if value not in (None, "", [])},
            "filters": _filters(given["filters"]),
            "share": min(1.0, round(given["share"] / 100, 6)),
            "target": given["target"],
            "enabled": given["enabled"],
        }

    def refuse(self, error: RuleError) -> None:
        """Show on the right field what spec.py said."""
        path = error.field.replace("settings.", _PREFIX)
        name = path if path in self.fields else path.split(".")[0]
        self.add_error(name if name in self.fields else None, error.explained)


class BackfillForm(forms.Form):
    """A range of the past."""

    range = forms.ChoiceField(choices=_RANGES, initial="7d", label="Over the")

    def start(self, now: datetime) -> datetime:
        """Where it begins. Raises RuleError."""
        if not self.is_valid():
            raise RuleError("range", "this range is not accepted", "one of those in the list")
        return now.astimezone(UTC) - timedelta(days=int(self.cleaned_data["range"][:-1]))


def _field(setting: Setting, *, kept: bool) -> forms.Field:
    common: dict[str, Any] = {"label": setting.label, "help_text": setting.help, "required": setting.required}
    if setting.name in SECRET:
        common["help_text"] = ("Left empty, it stays as it is. " if kept else "") + setting.help
        widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        return forms.CharField(**(common | {"required": False}), widget=widget, max_length=2000)
    common["initial"] = "\n".join(setting.default) if isinstance(setting.default, tuple) else setting.default
    if setting.kind == "boolean":
        return forms.BooleanField(**(common | {"required": False}))
    if setting.kind == "choice":
        choices = [(one, one.replace("_", " ")) for one in setting.choices]
        return forms.ChoiceField(choices=choices if setting.default is not None else [("", ""), *choices], **common)
    if setting.kind == "list" and setting.choices:
        common["initial"] = list(setting.default) if isinstance(setting.default, tuple) else None
        size = forms.SelectMultiple(attrs={"size": min(8, len(setting.choices))})
        return forms.MultipleChoiceField(choices=[(one, one) for one in setting.choices], widget=size, **common)
    if setting.kind in {"number", "integer"}:
        kind = forms.FloatField if setting.kind == "number" else forms.IntegerField
        return kind(min_value=setting.least, max_value=setting.most, **common)  # type: ignore[arg-type]
    if setting.kind in {"long_text", "object", "list"}:
        rows = 8 if setting.kind == "long_text" else 4
        return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), strip=False, **common)
    return forms.CharField(**common)


def _initial(rule: EvaluationRule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": rule.name,
        "score_name": rule.score_name,
        "target": rule.target,
        "share": round(rule.share * 100, 4),
        "enabled": rule.enabled,
        "filters": "\n".join(
            f"{one['field']} {'!=' if one.get('negated') else '='} {value}"
            for one in rule.filters
            for value in one["values"]
        ),
    }
    for setting in settings_of(rule.evaluator):
        if setting.name in rule.settings:
            found[_PREFIX + setting.name] = _shown(setting, rule.settings[setting.name])
    return found


def _shown(setting: Setting, value: Any) -> Any:
    if isinstance(value, list):
        return value if setting.choices else "\n".join(str(one) for one in value)
    if isinstance(value, Mapping):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return value


def _filters(text: str) -> list[dict[str, Any]]:
    found: dict[tuple[str, bool], list[str]] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _FILTER.fullmatch(line)
        if match is None:
            raise RuleError("filters", f"{line[:60]!r} is no condition", "field = value, or field != value")
        if match[1] not in {field.value for field in Field}:
            fields = ", ".join(field.value for field in Field)
            raise RuleError("filters", f"{match[1]!r} is no field", f"one of {fields}")
        found.setdefault((match[1], match[2] == "!="), []).append(match[3].strip())
    return [{"field": field, "values": values, "negated": negated} for (field, negated), values in found.items()]
