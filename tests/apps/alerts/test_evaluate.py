"""Rules evaluated against a real store: due, claimed, judged, written; silenced, repeated, ended."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from unittest import mock

import pytest

from apps.alerts.detectors import Verdict
from apps.alerts.evaluate import claim_due, evaluate_due
from apps.alerts.models import Delivery, Incident, Rule, Transition, Watch
from apps.alerts.outbox import quiet_of
from apps.alerts.quiet import Recurring
from apps.alerts.record import Seen, looks_record
from apps.alerts.services import (
    incident_acknowledge,
    maintenance_create,
    rule_create,
    rule_delete,
    rule_update,
    silence_create,
)
from apps.alerts.spec import spec_from
from apps.alerts.state import Outcome
from apps.analytics.run import QueryFailed, Reads, StoreUnavailable
from ingestion.records import SpanStatus
from ingestion.store.client import Store
from tests.apps.alerts.watching import ERRORS, Watching
from tests.conftest import People
from tests.rows import NOW, Bench, call_at


def fail(bench: Bench, minutes_ago: float, count: int, **more: Any) -> None:
    """Calls that failed at once, so long before noon."""
    start = NOW - timedelta(minutes=minutes_ago)
    bench.spans(*(call_at(start, status=SpanStatus.ERROR, **more) for _ in range(count)))


def test_a_rule_fires_and_is_resolved_and_each_change_is_a_row(watching: Watching, bench: Bench) -> None:
    rule = watching.rule()
    fail(bench, 2, 5)
    bench.spans(call_at(NOW + timedelta(minutes=8)))  # life goes on, so nothing is zero
    watching.look()
    (incident,) = watching.open()
    assert (incident.value, incident.severity, incident.labels) == (5.0, "warning", {})
    assert "5 is above 3" in incident.reason
    watching.minutes(10)
    assert watching.phases() == ["inactive > firing", "firing > resolved"]
    assert watching.open() == []
    first, last = Transition.objects.filter(rule=rule)
    assert (first.value, first.upper, last.value) == (5.0, 3.0, 0.0)
    assert first.incident_id == last.incident_id == incident.pk
    assert Watch.objects.count() == 0


def test_nothing_recorded_anywhere_is_no_data_and_not_zero(watching: Watching, bench: Bench) -> None:
    watching.rule({"metric": "requests", "condition": {"type": "threshold", "below": 1}})
    bench.spans(call_at(NOW - timedelta(hours=2)))
    watching.minutes(3)
    assert watching.phases() == []
    assert Rule.objects.get().last["shown"][0]["outcome"] == "no_data"
    # Something else of the project arrives: now nobody doubts that there were no calls.
    watching.now = NOW + timedelta(minutes=11)
    bench.spans(call_at(NOW + timedelta(minutes=9), kind="tool", billable=False))
    watching.look()
    assert watching.phases() == ["inactive > firing"]


def test_each_group_has_an_incident_of_its_own(watching: Watching, bench: Bench) -> None:
    watching.rule({"group_by": ["user"]})
    fail(bench, 2, 5, user_id="u-1")
    fail(bench, 2, 4, user_id="u-2")
    fail(bench, 2, 2, user_id="u-3")
    watching.look()
    assert sorted(one.labels["user"] for one in watching.open()) == ["u-1", "u-2"]
    assert len({one.fingerprint for one in watching.open()}) == 2


def test_a_group_that_vanished_is_resolved(watching: Watching, bench: Bench) -> None:
    watching.rule({"group_by": ["user"]})
    fail(bench, 2, 5, user_id="u-1")
    bench.spans(*(call_at(NOW + timedelta(minutes=at), user_id="u-9") for at in range(1, 10)))
    watching.minutes(8)
    assert watching.phases() == ["inactive > firing", "firing > resolved"]


def test_groups_that_change_together_are_one_message_a_channel(watching: Watching, bench: Bench) -> None:
    hooks = [watching.channel("https://example.com/a", "a"), watching.channel("https://example.com/b", "b")]
    watching.rule({"group_by": ["user"]}, *hooks)
    for user in ("u-1", "u-2", "u-3"):
        fail(bench, 2, 5, user_id=user)
    watching.look()
    assert watching.outbox() == [("alert.firing", "pending")] * 2
    delivery = Delivery.objects.first()
    assert delivery is not None
    assert len(delivery.payload["alerts"]) == 3
    assert delivery.incidents.count() == 3


def test_filters_are_part_of_the_rule(watching: Watching, bench: Bench) -> None:
    watching.rule({"filters": [{"field": "model", "values": ["gpt-4o"]}]})
    fail(bench, 2, 9, model="other")
    watching.look()
    assert watching.open() == []
    fail(bench, 2, 9, model="gpt-4o")
    watching.minutes()
    assert len(watching.open()) == 1


def test_two_workers_never_take_one_rule(watching: Watching, people: People) -> None:
    rules = [watching.rule(name=f"r{number}") for number in range(3)]
    first, second = claim_due(watching.now), claim_due(watching.now)
    assert ({one.rule.pk for one in first}, second) == ({rule.pk for rule in rules}, [])


def test_a_worker_that_slept_through_its_claim_writes_nothing(watching: Watching) -> None:
    rule = watching.rule()
    (mine,) = claim_due(watching.now)
    later = watching.now + timedelta(minutes=5)
    (theirs,) = claim_due(later)
    spec = spec_from(rule.spec)
    seen = [Seen({}, Verdict(outcome=Outcome.BREACHED, reason="old news", value=9.0))]
    assert not looks_record(mine.rule, spec, claim=mine.claim, seen=seen, now=later)
    assert Incident.objects.count() == 0
    assert looks_record(theirs.rule, spec, claim=theirs.claim, seen=seen, now=later)
    assert Incident.objects.count() == 1


def test_a_clock_that_went_back_leaves_no_rule_behind(watching: Watching) -> None:
    watching.rule()
    assert watching.look() == 1
    watching.now -= timedelta(days=3)
    assert watching.look() == 1
    assert watching.look() == 0


def test_a_rule_that_is_switched_off_is_not_evaluated(watching: Watching) -> None:
    watching.rule(enabled=False)
    assert watching.look() == 0


def test_rules_of_one_shape_share_one_read(watching: Watching, bench: Bench, store: Store) -> None:
    for number in range(6):
        watching.rule({"condition": {"type": "threshold", "above": number}}, name=f"r{number}")
    asked = []

    class Counting(Reads):
        def rows(self, statement: Any, **more: Any) -> Any:
            asked.append(statement.tag)
            return super().rows(statement, **more)

    assert evaluate_due(Counting(store.reader), now=watching.now) == 6
    assert asked.count("alerts.series") == 1


@pytest.mark.parametrize("error", [StoreUnavailable("away"), QueryFailed(159, "too slow")])
def test_an_error_is_not_no_data_and_is_told_when_it_lasts(watching: Watching, bench: Bench, error: Exception) -> None:
    hook = watching.channel("https://example.com/a")
    watching.rule({"no_data": "alert"}, hook)
    fail(bench, 2, 5)
    watching.look()
    reads = watching.reads
    watching.reads = mock.Mock(rows=mock.Mock(side_effect=error))
    watching.minutes(3)
    rule = Rule.objects.get()
    assert rule.error_since == NOW + timedelta(minutes=1)
    assert type(error).__name__ in rule.error
    assert len(watching.open()) == 1, "an error ended an incident"
    assert [kind for kind, _ in watching.outbox()] == ["alert.firing"]
    watching.minutes(15)
    assert [kind for kind, _ in watching.outbox()] == ["alert.firing", "rule.error"]
    watching.reads = reads
    watching.minutes()
    assert "rule.recovered" in [kind for kind, _ in watching.outbox()]
    assert Rule.objects.get().error == ""


def test_a_rule_whose_json_broke_says_so_and_harms_no_other(watching: Watching, bench: Bench) -> None:
    broken, whole = watching.rule(name="broken"), watching.rule(name="whole")
    Rule.objects.filter(pk=broken.pk).update(spec={"metric": "gone"})
    fail(bench, 2, 5)
    watching.look()
    assert "'gone'" in Rule.objects.get(pk=broken.pk).error
    assert [one.rule_id for one in watching.open()] == [whole.pk]


def test_a_silence_keeps_the_message_and_says_why(watching: Watching, bench: Bench, people: People) -> None:
    hook = watching.channel("https://example.com/a")
    rule = watching.rule({"group_by": ["user"]}, hook)
    silence_create(
        project=people.project, rule=rule, labels={"user": "u-1"}, starts_at=NOW, ends_at=NOW + timedelta(hours=1),
        by=people.alice, comment="known",
    )  # fmt: skip
    fail(bench, 2, 5, user_id="u-1")
    fail(bench, 2, 5, user_id="u-2")
    watching.look()
    assert sorted(watching.outbox()) == [("alert.firing", "pending"), ("alert.firing", "silenced")]
    silenced = Delivery.objects.get(status="silenced")
    assert silenced.problem == "silenced: known"
    assert silenced.payload["alerts"][0]["labels"] == {"user": "u-1"}
    assert len(watching.open()) == 2, "a silence hides nothing"


def test_maintenance_comes_back_every_week_on_the_wall_clock(watching: Watching, bench: Bench, people: People) -> None:
    maintenance_create(
        project=people.project, name="index", weekdays=[2], starts=time(17, 0), minutes=60, zone="Asia/Kolkata"
    )  # noon in UTC is 17:30 in India, and this is a Wednesday
    watching.rule(None, watching.channel("https://example.com/a"))
    fail(bench, 2, 5)
    watching.look()
    assert watching.outbox() == [("alert.firing", "silenced")]
    assert quiet_of(people.project.pk, NOW + timedelta(hours=1)).why(NOW + timedelta(hours=1), rule="", labels={}) == ""


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    window = Recurring(frozenset({6}), time(23, 0), timedelta(hours=2), "Europe/Berlin")
    sunday = datetime(2026, 3, 29, 21, 30, tzinfo=UTC)  # 23:30 in Berlin, the day clocks went ahead
    assert window.covers(sunday)
    assert window.covers(sunday + timedelta(hours=1))
    assert not window.covers(sunday + timedelta(hours=2))
    assert not window.covers(sunday - timedelta(days=1))


def test_what_goes_on_is_repeated_until_somebody_knows(watching: Watching, bench: Bench, people: People) -> None:
    hook = watching.channel("https://example.com/a")
    watching.rule({"window": "1h"}, hook, repeat_seconds=600)
    fail(bench, 2, 5)
    watching.minutes(25)
    assert [kind for kind, _ in watching.outbox()] == ["alert.firing", "alert.reminder", "alert.reminder"]
    (incident,) = watching.open()
    assert incident_acknowledge(incident=incident, by=people.bob, now=watching.now)
    assert not incident_acknowledge(incident=incident, by=people.alice, now=watching.now)
    watching.minutes(25)
    assert len(watching.outbox()) == 3


def test_the_same_change_is_never_in_the_outbox_twice(watching: Watching, bench: Bench) -> None:
    watching.rule(None, watching.channel("https://example.com/a"))
    fail(bench, 2, 5)
    watching.minutes(3)
    assert watching.outbox() == [("alert.firing", "pending")]


def test_a_kill_in_the_middle_leaves_all_or_nothing(watching: Watching, bench: Bench) -> None:
    watching.rule(None, watching.channel("https://example.com/a"))
    fail(bench, 2, 5)
    with (
        mock.patch("apps.alerts.record.enqueue", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        watching.look()
    assert (Incident.objects.count(), Transition.objects.count(), Watch.objects.count()) == (0, 0, 0)
    watching.minutes()
    assert (Incident.objects.count(), watching.outbox()) == (1, [("alert.firing", "pending")])


@pytest.mark.parametrize("how", ["change", "off", "delete"])
def test_who_was_told_that_it_fires_is_told_that_the_rule_is_another(
    watching: Watching, bench: Bench, how: str
) -> None:
    rule = watching.rule(None, watching.channel("https://example.com/a"))
    fail(bench, 2, 5)
    watching.look()
    rule.refresh_from_db()
    if how == "change":
        rule_update(rule=rule, spec={**ERRORS, "condition": {"type": "threshold", "above": 100}}, now=watching.now)
    elif how == "off":
        rule_update(rule=rule, enabled=False, now=watching.now)
    else:
        rule_delete(rule=rule, now=watching.now)
    assert [kind for kind, _ in watching.outbox()] == ["alert.firing", "alert.resolved"]
    assert watching.open() == []


def test_a_new_name_ends_nothing(watching: Watching, bench: Bench) -> None:
    rule = watching.rule()
    fail(bench, 2, 5)
    watching.look()
    rule_update(rule=Rule.objects.get(), name="other", now=watching.now)
    watching.minutes()
    assert (len(watching.open()), watching.phases()) == (1, ["inactive > firing"])
    assert rule.name == "rule"


def test_a_ratio_is_weighed_by_its_calls(watching: Watching, bench: Bench) -> None:
    watching.rule({"metric": "error_rate", "condition": {"type": "threshold", "above": 0.5}})
    fail(bench, 2, 3)
    watching.look()
    assert watching.open() == []
    assert "3 samples are too few" in Rule.objects.get().last["shown"][0]["reason"]
    fail(bench, 2, 30)
    watching.minutes()
    assert len(watching.open()) == 1


def test_a_cost_of_which_nothing_is_known_is_missing(watching: Watching, bench: Bench) -> None:
    watching.rule({"metric": "cost", "condition": {"type": "threshold", "below": 1}})
    bench.spans(*(call_at(NOW - timedelta(minutes=2), cost=None) for _ in range(5)))
    watching.look()
    assert watching.open() == []
    assert Rule.objects.get().last["shown"][0]["outcome"] == "no_data"


@pytest.mark.parametrize("metric", ["latency_p95", "users", "cost", "output_tokens", "spans", "error_rate"])
@pytest.mark.parametrize("group_by", [[], ["model"], ["user", "tag"]], ids=str)
def test_every_kind_of_metric_can_be_watched(
    watching: Watching, bench: Bench, metric: str, group_by: list[str]
) -> None:
    condition = {"type": "anomaly"}
    watching.rule({"metric": metric, "group_by": group_by, "condition": condition, "min_samples": 0})
    bench.spans(*(call_at(NOW - timedelta(minutes=2), user_id="u", tags=("t",)) for _ in range(5)))
    watching.look()
    rule = Rule.objects.get()
    assert rule.error == ""
    assert rule.last["shown"][0]["outcome"] == "unsure"
    assert "too little history" in rule.last["shown"][0]["reason"]


def test_a_project_may_not_drown_in_rules(watching: Watching, people: People) -> None:
    watching.rule(name="a")
    with mock.patch("apps.alerts.services._MOST_RULES", 1), pytest.raises(ValueError, match="has 1 rules"):
        rule_create(project=people.project, name="b", spec=ERRORS, now=NOW)
