"""A rule is a value: a metric, filters, a group-by and a window, a condition, and how long what must hold. Pure.

JSON → RuleSpec, or a RuleError that names the field; and back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.alerts.detectors import DETECTORS, Detector, Needs, Verdict
from apps.alerts.fields import Fields, duration_text
from apps.alerts.metrics import FILTERS, GROUPS, SCORE_FILTERS, SCORE_GROUPS, WATCHED, of_scores
from apps.alerts.series import MetricKind, Series, kind_of_unit
from apps.alerts.state import NoDataPolicy, Outcome, Policy
from apps.analytics.query import Field, Filter
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.api.rule_error import RuleError

__all__ = ["RuleSpec", "spec_from"]

_MOST_GROUPS = 3
_FEW = {MetricKind.RATIO: 20, MetricKind.MEASURE: 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """What is watched and when it is wrong. `score` is the name of the scores, for a metric that is read from them."""

    metric: str
    detector: Detector
    score: str = ""
    filters: tuple[Filter, ...] = ()
    group_by: tuple[str, ...] = ()
    window: timedelta = timedelta(minutes=5)
    every: timedelta = timedelta(minutes=1)
    delay: timedelta = timedelta(seconds=15)
    hold: timedelta = timedelta(0)
    keep_firing: timedelta = timedelta(minutes=5)
    no_data: NoDataPolicy = NoDataPolicy.KEEP_LAST
    min_samples: int = 0
    zone: str = "UTC"

    @property
    def metric_kind(self) -> MetricKind:
        """Which statistics fit."""
        return kind_of_unit(WATCHED[self.metric].unit)

    @property
    def looks_down(self) -> bool:
        """Whether less is worse. Of a score it is unless the rule says otherwise: a low one is the bad one."""
        above = getattr(self.detector, "above", None)
        if above is not None:
            return not above
        direction = getattr(self.detector, "direction", "")
        return direction == "down" if direction in {"up", "down"} else bool(self.score)

    @property
    def needs(self) -> Needs:
        """What to read."""
        return self.detector.needs(self.window)

    @property
    def policy(self) -> Policy:
        """For the state machine. A gap of more than a few evaluations was not seen."""
        return Policy(
            hold=self.hold, keep_firing=self.keep_firing, no_data=self.no_data,
            longest_gap=max(3 * self.every, timedelta(minutes=2)),
        )  # fmt: skip

    def verdicts(self, series: Series, indexes: Iterable[int]) -> Iterator[Verdict]:
        """Judge points; one with too few samples behind it says nothing."""
        chosen = list(indexes)
        for index, verdict in zip(chosen, self.detector.verdicts(series, chosen), strict=True):
            weight = series.points[index].weight
            few = weight is not None and weight < self.min_samples
            if few and verdict.outcome in {Outcome.BREACHED, Outcome.CLEAR, Outcome.HELD}:
                reason = f"{weight} samples are too few to say; the rule asks for {self.min_samples}"
                yield Verdict(outcome=Outcome.UNSURE, reason=reason, value=verdict.value)
            else:
                yield verdict

    def said(self) -> str:
        """The rule in words."""
        by = f" by {', '.join(DIMENSIONS[name].label.lower() for name in self.group_by)}" if self.group_by else ""
        what = f"{WATCHED[self.metric].label} {self.score}".strip()
        return f"{what}{by} {self.detector.said()} over {duration_text(self.window)}"

    def written(self) -> dict[str, object]:
        """As JSON that `spec_from` reads back."""
        return {
            "metric": self.metric,
            **({"score": self.score} if self.score else {}),
            "filters": [
                {"field": one.field.value, "values": list(one.values), "negated": one.negated} for one in self.filters
            ],
            "group_by": list(self.group_by),
            "window": duration_text(self.window),
            "condition": {"type": self.detector.kind, **self.detector.written()},
            "every": duration_text(self.every),
            "delay": duration_text(self.delay),
            "for": duration_text(self.hold),
            "keep_firing": duration_text(self.keep_firing),
            "no_data": self.no_data.value,
            "min_samples": self.min_samples,
            "time_zone": self.zone,
        }


def spec_from(value: object, *, zone: str = "UTC") -> RuleSpec:
    """Read a rule. Raises RuleError."""
    fields = Fields(value)
    metric = fields.choice("metric", WATCHED)
    kind = kind_of_unit(WATCHED[metric].unit)
    conditions = Fields(fields.take("condition", {}), path="condition")
    detector = DETECTORS[conditions.choice("type", DETECTORS)].read(conditions, metric=kind)
    conditions.done()
    few = fields.number("min_samples", _FEW.get(kind, 0) if detector.kind != "no_data" else 0, least=0, most=1e9)
    spec = RuleSpec(
        metric=metric,
        detector=detector,
        score=_score(fields, metric),
        filters=_filters(fields, SCORE_FILTERS if of_scores(metric) else FILTERS),
        group_by=_group_by(fields, SCORE_GROUPS if of_scores(metric) else GROUPS),
        window=fields.duration("window", "5m", least="1m", most="7d"),
        every=fields.duration("every", "1m", least="10s", most="1d"),
        delay=fields.duration("delay", "15s", least="0s", most="1h"),
        hold=fields.duration("for", "0s", most="7d"),
        keep_firing=fields.duration("keep_firing", "5m", most="7d"),
        no_data=NoDataPolicy(fields.choice("no_data", [one.value for one in NoDataPolicy], "keep_last")),
        min_samples=int(few or 0),
        zone=_zone(fields, zone),
    )
    fields.done()
    return _checked(spec)


def _checked(spec: RuleSpec) -> RuleSpec:
    if spec.window.total_seconds() % 60:
        raise RuleError("window", f"window={duration_text(spec.window)} is no whole number of minutes", "1m, 5m, 1h")
    if spec.detector.kind == "anomaly" and not timedelta(minutes=5) <= spec.window <= timedelta(days=1):
        raise RuleError(
            "window", f"window={duration_text(spec.window)} does not suit an anomaly", "a length of time from 5m to 1d"
        )
    return spec


def _score(fields: Fields, metric: str) -> str:
    name = fields.text("score", "").strip()
    if of_scores(metric) and not name:
        raise RuleError("score", f"metric={metric} watches the scores of one name", "the name of a score")
    if name and not of_scores(metric):
        raise RuleError("score", f"score={name!r:.60} means nothing to metric={metric}", "remove it")
    return name


def _filters(fields: Fields, accepted: Sequence[str]) -> tuple[Filter, ...]:
    found = []
    for number, item in enumerate(fields.items("filters", most=20)):
        one = Fields(item, path=f"filters.{number}")
        field = Field(one.choice("field", accepted))
        values = one.items("values", most=50)
        negated = one.take("negated", False)
        one.done()
        texts = tuple(
            value for value in values if isinstance(value, str) and len(value) <= 1000 and "\x00" not in value
        )
        if not texts or len(texts) != len(values) or not isinstance(negated, bool):
            raise RuleError(f"filters.{number}.values", f"{values!r:.60} is not accepted", "one or more texts")
        found.append(Filter(field, texts, negated))
    return tuple(found)


def _group_by(fields: Fields, accepted: Sequence[str]) -> tuple[str, ...]:
    names = fields.items("group_by", most=_MOST_GROUPS)
    for name in names:
        if name not in accepted:
            raise RuleError(
                "group_by", f"group_by names {name!r:.60}, which does not exist", "one of " + ", ".join(accepted)
            )
    return tuple(dict.fromkeys(str(name) for name in names))


def _zone(fields: Fields, default: str) -> str:
    name = fields.text("time_zone", default, most=60)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RuleError(
            "time_zone", f"time_zone={name!r} is no time zone", "an IANA name such as Asia/Kolkata"
        ) from error
    return name
