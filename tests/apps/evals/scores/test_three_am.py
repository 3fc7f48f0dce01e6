"""A night in the life of an application, in simulated time over the real store.

Its retrieval index is corrupted at three in the morning: the answers sound as before, and nothing but an evaluator can
tell that they rest on nothing. The same for a user whose cost explodes and for a burst of errors; and a quiet week, in
which nobody is woken.
"""

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.alerts.models import Incident
from apps.alerts.replay import tried_on
from apps.alerts.spec import spec_from
from apps.analytics.run import Reads
from bench.detectors import season
from ingestion.records import ScoreRecord, SpanKind, SpanRecord, SpanStatus
from tests.apps.alerts.watching import Watching
from tests.apps.evals.judging import Desk
from tests.conftest import People
from tests.rows import NOW, Bench, call_at, score_at, span_at, trace_id

pytestmark = pytest.mark.usefixtures("reading")
MINUTE = timedelta(minutes=1)
# A question, the document that answers it, and what a model makes of the document.
TOPICS = (
    (
        "How long may I return a jacket?",
        "Jackets can be returned within 30 days of delivery. The receipt must be enclosed with the parcel.",
        "Jackets can be returned within 30 days of delivery. The receipt must be enclosed.",
    ),
    (
        "What does the basic plan cost?",
        "The basic plan costs 12 euros a month. It includes three seats and 10 gigabytes of storage.",
        "The basic plan costs 12 euros a month and includes three seats.",
    ),
    (
        "Which ports does the router have?",
        "The router has four ethernet ports and one fibre port. Its power supply delivers 24 volts.",
        "The router has four ethernet ports and one fibre port.",
    ),
    (
        "When is the museum open?",
        "The museum opens at nine on weekdays. On Sundays the doors stay closed until noon.",
        "The museum opens at nine on weekdays. On Sundays the doors stay closed until noon.",
    ),
    (
        "How do I descale the kettle?",
        "Fill the kettle with equal parts of vinegar and water, boil it once, and rinse twice with fresh water.",
        "Fill the kettle with equal parts of vinegar and water, boil it once, and rinse twice.",
    ),
)


@dataclass
class Night:
    """Traffic by the minute; `broken_from` is when the index begins to return the neighbour's document."""

    desk: Desk
    watching: Watching
    start: datetime
    broken_from: datetime
    asked: int = 0
    broken: set[str] = field(default_factory=set)

    def answers(self, first: datetime, minutes: int, *, a_minute: int = 3) -> list[SpanRecord]:
        """What the application does in so many minutes: a question, a retrieval, an answer."""
        spans: list[SpanRecord] = []
        for number in range(minutes * a_minute):
            spans += self._answer(first + MINUTE * number / a_minute)
        return spans

    def _answer(self, at: datetime) -> list[SpanRecord]:
        self.asked += 1
        question, document, answer = TOPICS[self.asked % len(TOPICS)]
        trace = trace_id()
        if at >= self.broken_from:
            document = TOPICS[(self.asked + 2) % len(TOPICS)][1]
            self.broken.add(trace)
        root = span_at(at, trace=trace, kind=SpanKind.CHAIN, name="answer", input=question, output=answer, seconds=3)
        inside: dict[str, Any] = {"trace": trace, "parent_span_id": root.span_id}
        found = span_at(at + timedelta(seconds=0.1), kind=SpanKind.RETRIEVER, name="search", output=document, **inside)
        call = call_at(at + timedelta(seconds=1.2), input=question, output=answer, service="support", **inside)
        return [root, found, call]

    def pass_time(self, until: datetime, *, step: timedelta = MINUTE) -> None:
        """Spans arrive, evaluators judge them, rules are looked at: once a step."""
        while self.desk.now < until:
            first = self.desk.now
            self.desk.now = first + step
            spans = self.answers(first, int(step / MINUTE))
            self.desk.arrive(*spans, written=self.desk.now - timedelta(seconds=15))
            self.desk.look()
            self.watching.now = self.desk.now
            self.watching.look()


@pytest.fixture
def night(desk: Desk, people: People) -> Night:
    """Yesterday from midnight on."""
    start = (datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    desk.now = start
    three = start + timedelta(hours=3)
    return Night(desk, Watching(people.project, desk.reads, now=start), start, broken_from=three)


def test_an_index_that_is_corrupted_at_three_is_told_within_minutes(
    night: Night, client: Client, people: People
) -> None:
    night.desk.rule({"name": "Grounded", "evaluator": "groundedness", "settings": {"embeddings": "off"}})
    rule = {
        "metric": "score", "score": "groundedness", "group_by": ["service"], "window": "5m",
        "condition": {"type": "threshold", "below": 0.75},
    }  # fmt: skip
    night.watching.rule(rule, name="Answers rest on nothing")
    three = night.broken_from
    night.pass_time(three - 10 * MINUTE, step=timedelta(minutes=34))
    night.pass_time(three, step=5 * MINUTE)
    assert night.watching.phases() == [], "nothing was wrong yet"
    while not night.watching.open() and night.desk.now < three + 8 * MINUTE:
        night.pass_time(night.desk.now + MINUTE)
    (incident,) = night.watching.open()
    assert three < incident.started_at <= three + 6 * MINUTE
    assert incident.labels == {"service": "support"}
    assert incident.value is not None
    assert incident.value < 0.75

    client.force_login(people.alice)
    shown = client.get(f"/p/{people.project.slug}/alerts/incidents/{incident.pk}/")
    lines = shown.context["traces"]
    assert len(lines) == 6
    verdicts = [float(line.said.split(":")[0]) for line in lines]
    assert verdicts == sorted(verdicts), "worst first"
    assert all(line.href.split("/")[-2] in night.broken for line in lines)
    assert "Not supported" in lines[0].said
    page = client.get(shown.context["traces_href"])
    assert page.status_code == 200
    assert page.context["worst"][0].row.trace_id in night.broken


def test_the_cost_of_one_user_explodes(desk: Desk, people: People, client: Client) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    watching, bench = Watching(people.project, desk.reads, now=now), Bench(desk.world.store, people.project.pk)
    chance = random.Random(3)

    def usual(first: datetime, minutes: int) -> list[SpanRecord]:
        return [
            call_at(first + minute * MINUTE, cost=f"{0.01 * math.exp(chance.gauss(0, 0.4)):.6f}", user_id=f"u{user}")
            for minute in range(minutes)
            for user in range(6)
        ]

    condition = {"type": "anomaly", "direction": "up"}
    watching.rule({"metric": "cost", "group_by": ["user"], "window": "5m", "condition": condition})
    bench.spans(*usual(now - timedelta(hours=6), 360))
    watching.look()
    assert watching.open() == []
    for minute in range(6):
        dear = [call_at(now + minute * MINUTE, cost=f"0.{one}", user_id="u4", name="loop") for one in range(4, 8)]
        bench.spans(*usual(now + minute * MINUTE, 1), *dear)
        watching.minutes()
    (incident,) = watching.open()
    assert incident.labels == {"user": "u4"}
    assert incident.started_at <= now + 5 * MINUTE
    # A look at the page from the simulated time on: the dearest calls of that user, and of nobody else.
    client.force_login(people.alice)
    shown = client.get(f"/p/{people.project.slug}/alerts/incidents/{incident.pk}/")
    lines = shown.context["traces"]
    costs = [line.cost for line in lines]
    assert costs == sorted(costs, reverse=True)
    assert {(line.user, line.name) for line in lines} == {("u4", "loop")}


def test_errors_burst(desk: Desk, people: People, client: Client) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    watching, bench = Watching(people.project, desk.reads, now=now), Bench(desk.world.store, people.project.pk)
    chance = random.Random(4)

    def calls(first: datetime, minutes: int, share: float) -> list[SpanRecord]:
        return [
            call_at(first + minute * MINUTE, status=SpanStatus.ERROR if chance.random() < share else SpanStatus.OK)
            for minute in range(minutes)
            for _ in range(10)
        ]

    watching.rule({"metric": "error_rate", "window": "5m", "condition": {"type": "anomaly", "direction": "up"}})
    bench.spans(*calls(now - timedelta(hours=6), 360, 0.02))
    watching.look()
    assert watching.open() == []
    for minute in range(6):
        bench.spans(*calls(now + minute * MINUTE, 1, 0.6))
        watching.minutes()
    (incident,) = watching.open()
    assert incident.started_at <= now + 5 * MINUTE
    client.force_login(people.alice)
    shown = client.get(f"/p/{people.project.slug}/alerts/incidents/{incident.pk}/")
    assert {line.status for line in shown.context["traces"]} == {"error"}


def test_a_quiet_week_wakes_nobody(desk: Desk, people: People) -> None:
    """Two weeks of days and nights; every kind of rule is led over the second one."""
    chance = random.Random(11)
    end = NOW  # the same weekdays in every run
    spans: list[SpanRecord] = []
    scores: list[ScoreRecord] = []
    for hour in range(14 * 24):
        at = end - timedelta(hours=hour + 1)
        for _ in range(round(40 * season(at) * math.exp(chance.gauss(0, 0.08)))):
            when = at + timedelta(seconds=chance.uniform(0, 3599))
            span = call_at(
                when,
                cost=f"{0.004 * math.exp(chance.gauss(0, 0.5)):.6f}",
                seconds=1.5 * math.exp(chance.gauss(0, 0.3)),
                status=SpanStatus.ERROR if chance.random() < 0.03 else SpanStatus.OK,
            )
            spans.append(span)
            value = min(1.0, max(0.0, chance.gauss(0.85, 0.1)))
            about = {"trace_id": span.trace_id, "span_id": span.span_id, "session_id": ""}
            scores.append(score_at(when, value=value, name="groundedness", **about))
    bench = Bench(desk.world.store, people.project.pk)
    bench.spans(*spans)
    bench.scores(*scores)
    for metric in ("requests", "cost", "error_rate", "latency_p95", "score", "score_count"):
        assert _fired(desk.reads, people, metric, end) == 0, metric


def _fired(reads: Reads, people: People, metric: str, end: datetime) -> int:
    name: dict[str, Any] = {"score": "groundedness"} if metric.startswith("score") else {}
    spec = spec_from({"metric": metric, "window": "1h", "condition": {"type": "anomaly"}, **name})
    tried = tried_on(reads, spec, project_id=people.project.pk, now=end + MINUTE, length=timedelta(days=7))
    assert sum(one.point.value is not None for group in tried.groups for one in group.judged) > 100
    assert Incident.objects.count() == 0
    return tried.fired
