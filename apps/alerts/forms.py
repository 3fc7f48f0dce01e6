"""Forms of the alert pages: what may be typed. What it means is decided in spec.py, for pages and API alike."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms

from apps.accounts.models import Project
from apps.alerts.channels import CHANNELS
from apps.alerts.fields import duration_of
from apps.alerts.metrics import GROUPS, WATCHED, of_scores
from apps.alerts.models import Rule, Severity
from apps.alerts.selectors import channels_of
from apps.alerts.state import NoDataPolicy
from apps.analytics.query import Field
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.api.rule_error import RuleError

__all__ = ["ChannelForm", "MaintenanceForm", "RuleForm", "SilenceForm"]

_CONDITIONS = [
    ("anomaly", "is unusual for this hour of the week"),
    ("threshold", "is above or below a limit"),
    ("change", "changed against an earlier period"),
    ("burn_rate", "uses up a budget too fast"),
    ("no_data", "has no data"),
]
_FILTER = re.compile(r"([a-z_]+)\s*(!?=)\s*(.+)")
# Which fields of the form say a condition, and under which name in JSON.
_OF = {
    "threshold": ("recover",),
    "change": ("direction", "by", "against", "least"),
    "anomaly": ("sensitivity", "direction", "by", "least"),
    "burn_rate": ("budget", "period"),
    "no_data": (),
}


class RuleForm(forms.Form):
    """One rule. Fields of conditions that were not chosen are ignored."""

    name = forms.CharField(max_length=120)
    severity = forms.ChoiceField(choices=Severity.choices, initial=Severity.WARNING)
    metric = forms.ChoiceField(choices=[(name, metric.label) for name, metric in WATCHED.items()], initial="cost")
    score = forms.CharField(required=False, max_length=200, label="Of the score", help_text="Its name: groundedness.")
    group_by = forms.MultipleChoiceField(
        choices=[(name, DIMENSIONS[name].label) for name in GROUPS],
        required=False,
        label="For each",
        help_text="Up to three; nothing watches the project as a whole.",
        widget=forms.SelectMultiple(attrs={"size": 4}),
    )
    filters = forms.CharField(
        required=False,
        label="Only where",
        help_text="One condition a line: model = gpt-4o, environment != staging.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    window = forms.CharField(initial="5m", max_length=8, label="Over", help_text="5m, 1h, 1d.")
    condition = forms.ChoiceField(choices=_CONDITIONS, initial="anomaly", label="Alert when it")
    side = forms.ChoiceField(choices=[("above", "above"), ("below", "below")], required=False, label="Side")
    limit = forms.FloatField(required=False, label="Limit")
    recover = forms.FloatField(required=False, label="Over again at", help_text="Empty: at the limit.")
    sensitivity = forms.ChoiceField(
        choices=[("low", "low"), ("medium", "medium"), ("high", "high")], required=False, initial="medium"
    )
    direction = forms.ChoiceField(
        choices=[("up", "up"), ("down", "down"), ("both", "up or down")], required=False, initial="up"
    )
    by = forms.FloatField(required=False, label="By at least (%)", initial=30, min_value=0)
    least = forms.FloatField(required=False, label="Smallest difference", min_value=0)
    against = forms.ChoiceField(
        choices=[("previous", "the window before"), ("day", "a day before"), ("week", "a week before")],
        required=False,
        label="Compared with",
    )
    budget = forms.FloatField(required=False, help_text="An amount for the period; for a rate the tolerated share.")
    period = forms.CharField(required=False, initial="30d", max_length=8)
    hold = forms.CharField(initial="0s", max_length=8, label="For at least", help_text="How long it must hold.")
    keep_firing = forms.CharField(initial="5m", max_length=8, label="Over after", help_text="How long it must be calm.")
    no_data = forms.ChoiceField(
        choices=[
            (NoDataPolicy.KEEP_LAST.value, "stay as it is"),
            (NoDataPolicy.OK.value, "is fine"),
            (NoDataPolicy.ALERT.value, "is an alert"),
            (NoDataPolicy.RESOLVE.value, "ends it"),
        ],
        initial="keep_last",
        label="No data",
    )
    min_samples = forms.IntegerField(
        required=False, min_value=0, label="Fewest calls or scores", help_text="Empty: by metric."
    )
    repeat = forms.CharField(initial="4h", max_length=8, label="Repeat every", help_text="0s: never.")
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    channels = forms.MultipleChoiceField(required=False, label="Tell", widget=forms.CheckboxSelectMultiple)
    enabled = forms.BooleanField(required=False, initial=True)

    def __init__(
        self, data: Any = None, *, project: Project, rule: Rule | None = None, wanted: Mapping[str, str] | None = None
    ) -> None:
        """`wanted`: what a link to a new rule says it shall watch."""
        fresh = {name: value for name, value in (wanted or {}).items() if name in {"metric", "score"}}
        super().__init__(data, initial=_initial(rule) if rule else fresh)
        chosen = [(str(channel.pk), f"{channel.name} ({channel.kind})") for channel in channels_of(project)]
        self.fields["channels"].choices = chosen  # type: ignore[attr-defined]

    def spec(self) -> dict[str, Any]:
        """The rule as JSON."""
        given = self.cleaned_data
        kind = given["condition"]
        condition: dict[str, Any] = {"type": kind}
        for name in _OF[kind]:
            if given.get(name) not in {None, ""}:
                condition[name] = given[name] / 100 if name == "by" else given[name]
        if kind == "threshold":
            condition[given["side"] or "above"] = given["limit"]
        found: dict[str, Any] = {
            "metric": given["metric"],
            "group_by": given["group_by"],
            "filters": _filters(given["filters"]),
            "window": given["window"],
            "condition": condition,
            "for": given["hold"],
            "keep_firing": given["keep_firing"],
            "no_data": given["no_data"],
        }
        if of_scores(given["metric"]):  # left over from another choice, the name is not in sight
            found["score"] = given["score"]
        return found if given["min_samples"] is None else {**found, "min_samples": given["min_samples"]}

    def repeat_seconds(self) -> int:
        """The repeat interval."""
        length = duration_of(self.cleaned_data["repeat"])
        if length is None or length > timedelta(days=30):
            raise RuleError("repeat", f"repeat={self.cleaned_data['repeat']!r} is not accepted", "0s, or up to 30d")
        return int(length.total_seconds())

    def refuse(self, error: RuleError) -> None:
        """Show on the right field what spec.py said."""
        name = error.field.removeprefix("condition.").split(".")[0]
        name = {"above": "limit", "below": "limit", "for": "hold", "type": "condition"}.get(name, name)
        self.add_error(name if name in self.fields else None, error.explained)


class ChannelForm(forms.Form):
    """One channel; its settings are those of its kind."""

    name = forms.CharField(max_length=80)

    def __init__(self, data: Any = None, *, kind: str, values: Mapping[str, Any] | None = None, name: str = "") -> None:
        super().__init__(data, initial={"name": name, **{f"v-{key}": value for key, value in (values or {}).items()}})
        for setting in CHANNELS[kind].settings:
            attributes = {"autocomplete": "off", "spellcheck": "false"}
            widget = forms.PasswordInput(attributes) if setting.secret else forms.TextInput(attributes)
            kept = "Left empty, it stays as it is. " if setting.secret and values is not None else ""
            self.fields[f"v-{setting.name}"] = forms.CharField(
                label=setting.label, help_text=kept + setting.help, required=False, widget=widget, max_length=2000
            )

    def values(self) -> dict[str, str]:
        """What was typed."""
        return {name[2:]: value for name, value in self.cleaned_data.items() if name.startswith("v-")}

    def refuse(self, error: RuleError) -> None:
        """Show on the right field."""
        name = error.field.replace("config.", "v-")
        self.add_error(name if name in self.fields else None, error.explained)


class SilenceForm(forms.Form):
    """Quiet from now on."""

    length = forms.ChoiceField(
        choices=[("1h", "1 hour"), ("4h", "4 hours"), ("1d", "1 day"), ("7d", "7 days")], label="For"
    )
    rule = forms.ChoiceField(required=False, label="Of")
    comment = forms.CharField(required=False, max_length=300, label="Why")

    def __init__(self, data: Any = None, *, rules: list[Rule]) -> None:
        super().__init__(data)
        choices = [("", "every rule"), *((str(rule.pk), rule.name) for rule in rules)]
        self.fields["rule"].choices = choices  # type: ignore[attr-defined]


class MaintenanceForm(forms.Form):
    """Quiet every week."""

    name = forms.CharField(max_length=80)
    weekdays = forms.MultipleChoiceField(
        choices=list(enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))),
        widget=forms.SelectMultiple(attrs={"size": 4}),
    )
    starts = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}))
    minutes = forms.IntegerField(min_value=1, max_value=10_080, initial=60)


def _filters(text: str) -> list[dict[str, Any]]:
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _FILTER.fullmatch(line)
        if match is None:
            raise RuleError("filters", f"{line[:60]!r} is no condition", "field = value, or field != value")
        if match[1] not in {field.value for field in Field}:
            raise RuleError(
                "filters", f"{match[1]!r} is no field", "one of " + ", ".join(field.value for field in Field)
            )
        found.append({"field": match[1], "values": [match[3].strip()], "negated": match[2] == "!="})
    return found


def _initial(rule: Rule) -> dict[str, Any]:
    spec, condition = rule.spec, dict(rule.spec.get("condition", {}))
    found = {key: value for key, value in condition.items() if key not in {"type", "windows"}}
    if "by" in found:
        found["by"] = round(found["by"] * 100, 4)
    for side in ("above", "below"):
        if side in condition:
            found |= {"side": side, "limit": condition[side]}
    lines = [
        f"{one['field']} {'!=' if one['negated'] else '='} {value}"
        for one in spec.get("filters", ())
        for value in one["values"]
    ]
    hours = rule.repeat_seconds
    return {
        **found,
        "name": rule.name,
        "severity": rule.severity,
        "description": rule.description,
        "metric": spec.get("metric"),
        "score": spec.get("score", ""),
        "group_by": spec.get("group_by"),
        "filters": "\n".join(lines),
        "window": spec.get("window"),
        "condition": condition.get("type"),
        "hold": spec.get("for"),
        "keep_firing": spec.get("keep_firing"),
        "no_data": spec.get("no_data"),
        "min_samples": spec.get("min_samples"),
        "repeat": f"{hours // 3600}h" if hours and hours % 3600 == 0 else f"{hours}s",
        "channels": [str(pk) for pk in rule.channels.values_list("pk", flat=True)],
        "enabled": rule.enabled,
    }
