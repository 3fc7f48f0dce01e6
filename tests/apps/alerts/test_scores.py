"""Rules on scores against a real store: mean, count, without a verdict; by form and API; the worst traces first."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Incident, Rule
from apps.alerts.services import rule_create
from apps.alerts.spec import spec_from
from apps.analytics.run import reads
from apps.api.rule_error import RuleError
from ingestion.records import ScoreRecord, SpanRecord, SpanStatus
from tests.apps.alerts.watching import Watching
from tests.apps.visitors import signed_in
from tests.conftest import People
from tests.rows import NOW, Bench, call_at, score_at

MINUTE = timedelta(minutes=1)
LOW: dict[str, Any] = {
    "metric": "score",
    "score": "groundedness",
    "window": "5m",
    "keep_firing": "0s",
    "condition": {"type": "threshold", "below": 0.5},
}


def judged(
    bench: Bench, at: datetime, values: list[float | None], *, name: str = "groundedness", **more: Any
) -> list[SpanRecord]:
    """Calls of one moment, each with its score."""
    spans = [call_at(at, **more) for _ in values]
    bench.spans(*spans)
    bench.scores(*(_score(span, at, value, name=name) for span, value in zip(spans, values, strict=True)))
    return spans


def _score(span: SpanRecord, at: datetime, value: float | None, **more: Any) -> ScoreRecord:
    about = {"trace_id": span.trace_id, "span_id": span.span_id, "session_id": "", "comment": f"said {value}"}
    return score_at(at, value=value, **about, **more)  # type: ignore[arg-type]


def test_the_mean_of_a_score_is_watched(watching: Watching, bench: Bench) -> None:
    watching.rule(LOW)
    judged(bench, NOW - 2 * MINUTE, [0.2] * 10)
    judged(bench, NOW - 2 * MINUTE, [1.0] * 30, name="other")
    watching.look()
    (incident,) = watching.open()
    assert incident.value == pytest.approx(0.2)
    assert "0.2 is below 0.5" in incident.reason
    judged(bench, NOW + 5 * MINUTE, [0.9] * 10)
    watching.minutes(8)
    assert watching.phases() == ["inactive > firing", "firing > resolved"]


def test_too_few_scores_say_nothing(watching: Watching, bench: Bench) -> None:
    watching.rule(LOW)
    judged(bench, NOW - 2 * MINUTE, [0.1] * 9)
    bench.spans(*(call_at(NOW - 2 * MINUTE) for _ in range(30)))  # calls are no scores
    watching.look()
    assert watching.open() == []
    assert "9 samples are too few" in Rule.objects.get().last["shown"][0]["reason"]


def test_no_score_is_no_data_and_not_a_bad_one(watching: Watching, bench: Bench) -> None:
    watching.rule(LOW)
    bench.spans(*(call_at(NOW - 2 * MINUTE) for _ in range(30)))
    judged(bench, NOW - 2 * MINUTE, [None] * 30)
    watching.look()
    assert Rule.objects.get().last["shown"][0]["outcome"] == "no_data"


def test_each_model_has_its_own_incident(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "group_by": ["model", "service"]})
    judged(bench, NOW - 2 * MINUTE, [0.9] * 12, model="good", service="web")
    judged(bench, NOW - 2 * MINUTE, [0.1] * 12, model="bad", service="web")
    watching.look()
    assert [one.labels for one in watching.open()] == [{"model": "bad", "service": "web"}]
    judged(bench, NOW + 8 * MINUTE, [0.9] * 12, model="good", service="web")
    watching.minutes(12)
    assert len(watching.open()) == 1, "a mean of nothing is unknown, and ends nothing"


def test_a_filter_is_about_the_judged_call(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "filters": [{"field": "environment", "values": ["production"]}]})
    judged(bench, NOW - 2 * MINUTE, [0.1] * 20, environment="staging")
    watching.look()
    assert watching.open() == []
    judged(bench, NOW - 2 * MINUTE, [0.1] * 20, environment="production")
    watching.minutes()
    assert len(watching.open()) == 1


def test_evaluators_that_stop_are_noticed(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "metric": "score_count", "condition": {"type": "threshold", "below": 1}})
    judged(bench, NOW - 2 * MINUTE, [1.0] * 3)
    watching.look()
    assert watching.open() == []
    bench.spans(*(call_at(NOW + minute * MINUTE) for minute in range(12)))
    watching.minutes(10)
    assert len(watching.open()) == 1


def test_evaluators_that_fail_are_noticed(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "metric": "no_verdict_rate", "condition": {"type": "threshold", "above": 0.3}})
    judged(bench, NOW - 2 * MINUTE, [1.0] * 15 + [None] * 5)
    watching.look()
    assert watching.open() == []
    judged(bench, NOW - 2 * MINUTE, [None] * 5)
    watching.minutes()
    (incident,) = watching.open()
    assert incident.value == pytest.approx(10 / 25)


def test_a_change_against_the_window_before(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "condition": {"type": "change", "by": 0.3, "direction": "down"}})
    judged(bench, NOW - 8 * MINUTE, [0.9] * 10)
    judged(bench, NOW - 2 * MINUTE, [0.5] * 10)
    watching.look()
    assert len(watching.open()) == 1


def test_an_anomaly_against_the_days_before(watching: Watching, bench: Bench) -> None:
    watching.rule({**LOW, "window": "1h", "condition": {"type": "anomaly", "direction": "down"}})
    spans, scores = [], []
    for hour in range(8 * 24):
        at = NOW - timedelta(hours=hour, minutes=30)
        for minute in range(10):
            span = call_at(at - minute * MINUTE)
            spans.append(span)
            value = 0.2 if hour == 0 else 0.9 + 0.01 * ((hour * 7 + minute) % 5)
            scores.append(_score(span, at - minute * MINUTE, value, name="groundedness"))
    bench.spans(*spans)
    bench.scores(*scores)
    watching.look()
    (incident,) = watching.open()
    assert incident.baseline == pytest.approx(0.92, abs=0.02)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"score": ""}, "score", "watches the scores of one name"),
        ({"score": 5}, "score", "score=5 is not accepted"),
        ({"metric": "cost"}, "score", "means nothing to metric=cost"),
        ({"group_by": ["tool"]}, "group_by", "group_by names 'tool'"),
        ({"filters": [{"field": "status", "values": ["ok"]}]}, "filters.0.field", "field='status' is not accepted"),
        ({"metric": "scores"}, "metric", "metric='scores' is not accepted"),
    ],
)
def test_a_wrong_rule_is_named(change: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(RuleError, match=says) as raised:
        spec_from({**LOW, **change})
    assert raised.value.field == field


def test_a_rule_reads_back_what_it_writes() -> None:
    spec = spec_from({**LOW, "group_by": ["model"]})
    assert spec_from(spec.written()) == spec
    assert spec.said() == "Score groundedness by model below 0.5 over 5m"
    assert "score" not in spec_from({"metric": "cost", "condition": {"type": "anomaly"}}).written()


def test_the_rule_in_the_docs_is_one() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text()
    rules = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    said = [spec_from(rule).said() for rule in rules if rule.get("metric") == "score"]
    assert said == ["Score groundedness by service below 0.7 over 15m"]


# ---- pages -----------------------------------------------------------------------------------------------------------


FORM = {
    "name": "Grounded", "severity": "error", "metric": "score", "score": "groundedness", "window": "5m",
    "condition": "threshold", "side": "below", "limit": "0.5", "hold": "0s", "keep_firing": "5m",
    "no_data": "keep_last", "repeat": "4h", "enabled": "on", "filters": "", "group_by": ["model"], "do": "save",
}  # fmt: skip


@pytest.mark.usefixtures("reading")
def test_a_rule_on_a_score_is_made_by_form(alice: Client, people: People) -> None:
    path = f"/p/{people.project.slug}/alerts/rules/new/"
    nameless = alice.post(path, {**FORM, "score": ""})
    assert "watches the scores of one name" in str(nameless.context["form"].errors["score"])
    alice.post(path, FORM)
    rule = Rule.objects.get()
    assert (rule.spec["metric"], rule.spec["score"]) == ("score", "groundedness")
    form = alice.get(f"/p/{people.project.slug}/alerts/rules/{rule.pk}/").context["form"]
    assert form["score"].value() == "groundedness"
    fresh = alice.get(path, {"metric": "score", "score": "<tone>"}).context["form"]
    assert (fresh["metric"].value(), fresh["score"].value()) == ("score", "<tone>")
    # What another metric left in the field does no harm.
    alice.post(path, {**FORM, "name": "Cost", "metric": "cost"})
    assert "score" not in Rule.objects.get(name="Cost").spec


@pytest.mark.usefixtures("reading")
def test_the_api_says_and_takes_metrics_of_scores(alice: Client, people: People) -> None:
    schema = alice.get("/api/v1/schema/", headers={"accept": "application/json"}).json()
    said = schema["components"]["schemas"]["RuleWriteRequest"]["properties"]["spec"]["description"]
    assert "no_verdict_rate" in said
    url = f"/api/v1/rules?project={people.project.slug}"
    made = alice.post(url, {"name": "r", "spec": LOW}, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["spec"]["score"] == "groundedness"
    wrong = alice.post(url, {"name": "s", "spec": {**LOW, "score": ""}}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "score")


def incident_page(client: Client, people: People) -> Any:
    path = f"/p/{people.project.slug}/alerts/incidents/{Incident.objects.get().pk}/"
    return client.get(path)


def fired(people: People, spec: dict[str, Any]) -> None:
    rule_create(project=people.project, name="r", spec=spec, now=datetime.now(UTC))
    evaluate_due(reads(), now=datetime.now(UTC))


@pytest.mark.usefixtures("reading")
def test_an_incident_of_a_score_shows_the_lowest_first(alice: Client, people: People, bench: Bench) -> None:
    at = datetime.now(UTC) - 4 * MINUTE
    values: list[float | None] = [0.4, 0.1, 0.3, 0.2, None, 0.45, 0.45, 0.45, 0.45, 0.45, 0.45]
    spans = judged(bench, at, values, model="gpt-4o")
    judged(bench, at, [0.0] * 3, name="other", model="gpt-4o")
    judged(bench, at, [1.0] * 12, model="fine")
    fired(people, {**LOW, "group_by": ["model"], "window": "30m"})
    shown = incident_page(alice, people)
    lines = shown.context["traces"]
    assert [line.said for line in lines[:4]] == ["0.1: said 0.1", "0.2: said 0.2", "0.3: said 0.3", "0.4: said 0.4"]
    assert spans[1].trace_id in lines[0].href
    assert "name=groundedness" in shown.context["traces_href"]
    assert alice.get(shown.context["traces_href"]).status_code == 200
    outsider = signed_in(people.outsider)
    assert incident_page(outsider, people).status_code == 404


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize(
    ("spec", "order"),
    [
        ({"metric": "cost", "condition": {"type": "threshold", "above": 0.5}}, ["dear", "mid", "cheap"]),
        ({"metric": "latency_p95", "condition": {"type": "threshold", "above": 1}}, ["cheap", "mid", "dear"]),
        ({"metric": "output_tokens", "condition": {"type": "threshold", "above": 1}}, ["mid", "dear", "cheap"]),
        ({"metric": "requests", "condition": {"type": "threshold", "below": 50}}, ["cheap", "mid", "dear"]),
    ],
)
def test_the_dearest_the_slowest_the_longest_come_first(
    alice: Client, people: People, bench: Bench, spec: dict[str, Any], order: list[str]
) -> None:
    now = datetime.now(UTC)
    for minutes, (name, cost, seconds, tokens) in enumerate(
        [("cheap", "0.1", 9.0, 10), ("mid", "0.5", 5.0, 900), ("dear", "2", 3.0, 500)]
    ):
        at = now - (4 + minutes) * MINUTE  # cheap is the newest
        bench.spans(call_at(at, cost=cost, seconds=seconds, output_tokens=tokens, name=name, trace_name=name))
    fired(people, {"window": "30m", "min_samples": 0, **spec})
    assert [line.name for line in incident_page(alice, people).context["traces"]] == order


@pytest.mark.usefixtures("reading")
def test_of_errors_the_trace_with_most_comes_first(alice: Client, people: People, bench: Bench) -> None:
    at = datetime.now(UTC) - 5 * MINUTE
    worst = call_at(at, status=SpanStatus.ERROR, name="worst")
    bench.spans(
        worst,
        *(call_at(at, status=SpanStatus.ERROR, trace=worst.trace_id, name="worst") for _ in range(3)),
        call_at(at + MINUTE, status=SpanStatus.ERROR, name="one"),
        call_at(at + MINUTE, name="fine"),
    )
    fired(people, {"metric": "errors", "window": "30m", "condition": {"type": "threshold", "above": 2}})
    assert [line.name for line in incident_page(alice, people).context["traces"]] == ["worst", "one"]
