"""The life of an alert: what it does in plain cases, and what it never does, whatever the clock and the numbers do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.alerts.state import NoDataPolicy, Outcome, Phase, Policy, State, Step, step

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
B, C, H, N, U = Outcome.BREACHED, Outcome.CLEAR, Outcome.HELD, Outcome.NO_DATA, Outcome.UNSURE


def led(outcomes: str | list[Outcome], policy: Policy, *, every: timedelta = MINUTE) -> tuple[list[Phase], list[Step]]:
    """Lead a new alert through outcomes, one a minute."""
    words = {"B": B, "C": C, "H": H, "N": N, "U": U}
    state, phases, changes = State(), [], []
    for number, letter in enumerate(outcomes):
        outcome = words.get(letter, letter)
        state, change = step(state, outcome, now=NOW + every * number, policy=policy)  # type: ignore[arg-type]
        phases.append(state.phase)
        changes += [change] if change else []
    return phases, changes


def test_it_fires_at_once_when_nothing_has_to_hold_and_is_resolved_when_clear() -> None:
    phases, changes = led("CBC", Policy())
    assert phases == [Phase.INACTIVE, Phase.FIRING, Phase.RESOLVED]
    assert [(one.before, one.after) for one in changes] == [("inactive", "firing"), ("firing", "resolved")]
    assert changes[0].at == NOW + MINUTE


def test_it_is_pending_until_the_breach_has_held() -> None:
    phases, _ = led("BBBB", Policy(hold=timedelta(minutes=3)))
    assert phases == ["pending", "pending", "pending", "firing"]


def test_a_breach_that_pauses_starts_over() -> None:
    phases, _ = led("BBCBBB", Policy(hold=timedelta(minutes=2)))
    assert phases == ["pending", "pending", "inactive", "pending", "pending", "firing"]


def test_between_the_limits_it_neither_begins_nor_ends() -> None:
    assert led("HHBHHHC", Policy())[0] == ["inactive"] * 2 + ["firing"] * 4 + ["resolved"]
    assert led("BH", Policy(hold=timedelta(minutes=5)))[0] == ["pending", "inactive"]


def test_it_goes_on_firing_for_a_while_after_it_is_clear() -> None:
    policy = Policy(keep_firing=timedelta(minutes=2))
    assert led("BCCBCCC", policy)[0] == ["firing"] * 6 + ["resolved"]
    # What was neither clear nor breached was not clear.
    assert led("BCHCCC", policy)[0] == ["firing"] * 5 + ["resolved"]


def test_no_data_means_what_the_rule_says() -> None:
    after = {policy: led("BN", Policy(no_data=policy))[0][-1] for policy in NoDataPolicy}
    assert after == {"keep_last": "firing", "ok": "resolved", "alert": "firing", "resolve": "resolved"}
    before = {policy: led("N", Policy(no_data=policy))[0][-1] for policy in NoDataPolicy}
    assert before == {"keep_last": "inactive", "ok": "inactive", "alert": "firing", "resolve": "inactive"}
    slow = timedelta(minutes=9)
    waiting = {policy.value: led("BN", Policy(no_data=policy, keep_firing=slow))[0][-1] for policy in NoDataPolicy}
    assert waiting["ok"] == "firing"
    assert waiting["resolve"] == "resolved"


def test_no_time_passes_while_nothing_is_measured_and_the_last_is_kept() -> None:
    assert led("BNNNNB", Policy(hold=timedelta(minutes=3)))[0][-1] == "pending"


def test_too_little_to_say_resolves_nothing_and_starts_nothing() -> None:
    assert led("UUBUU", Policy())[0] == ["inactive", "inactive", "firing", "firing", "firing"]


def test_it_can_fire_again_after_it_was_resolved() -> None:
    assert led("BCB", Policy())[0] == ["firing", "resolved", "firing"]


def test_a_clock_that_jumps_ahead_makes_nobody_fire() -> None:
    policy = Policy(hold=timedelta(minutes=30), longest_gap=timedelta(minutes=3))
    state, _ = step(State(), B, now=NOW, policy=policy)
    state, change = step(state, B, now=NOW + timedelta(days=400), policy=policy)
    assert (state.phase, change) == (Phase.PENDING, None)


def test_a_clock_that_jumps_back_takes_nothing_away() -> None:
    policy = Policy(hold=timedelta(minutes=3))
    state = State()
    moments = [0, 1, 2, -600, -599]  # minutes
    for minute in moments:
        state, _ = step(state, B, now=NOW + MINUTE * minute, policy=policy)
    assert state.phase is Phase.FIRING
    assert state.breached_for == timedelta(minutes=3)


OUTCOMES = st.lists(st.tuples(st.sampled_from(list(Outcome)), st.integers(-5000, 5000)), max_size=60)
LENGTHS = st.integers(0, 1200).map(lambda seconds: timedelta(seconds=seconds))
POLICIES = st.builds(
    Policy, hold=LENGTHS, keep_firing=LENGTHS, no_data=st.sampled_from(NoDataPolicy), longest_gap=st.just(MINUTE * 3)
)
LEGAL = {
    ("inactive", "pending"), ("inactive", "firing"), ("pending", "firing"), ("pending", "inactive"),
    ("firing", "resolved"), ("resolved", "pending"), ("resolved", "firing"), ("resolved", "inactive"),
}  # fmt: skip


@given(OUTCOMES, POLICIES)
def test_whatever_happens_the_life_is_a_legal_one(looks: list[tuple[Outcome, int]], policy: Policy) -> None:
    state, now, seen_breached, breached_run = State(), NOW, timedelta(0), False
    for outcome, seconds in looks:
        now += timedelta(seconds=seconds)
        before = state
        state, change = step(before, outcome, now=now, policy=policy)
        counts = outcome is B or (outcome is N and policy.no_data is NoDataPolicy.ALERT)
        frozen = outcome is N and policy.no_data is NoDataPolicy.KEEP_LAST
        gap = timedelta(seconds=min(max(seconds, 0), 180))
        if not frozen:
            seen_breached = seen_breached + gap if counts and breached_run else timedelta(0)
            breached_run = counts
        assert (change is None) == (state.phase is before.phase)
        if change:
            assert (change.before, change.after) in LEGAL
            assert state.since == change.at == now
        if change and change.after is Phase.FIRING:
            assert seen_breached >= policy.hold, "fired before the breach was seen for long enough"
        if change and change.after is Phase.RESOLVED:
            assert not counts
        assert state.breached_for >= timedelta(0)
        assert state.clear_for >= timedelta(0)
        if outcome in {H, U} and before.phase is Phase.FIRING:
            assert change is None


@given(OUTCOMES, POLICIES)
def test_the_same_looks_lead_to_the_same_life(looks: list[tuple[Outcome, int]], policy: Policy) -> None:
    def life() -> list[Step]:
        state, now, found = State(), NOW, []
        for outcome, seconds in looks:
            now += timedelta(seconds=seconds)
            state, change = step(state, outcome, now=now, policy=policy)
            found += [change] if change else []
        return found

    assert life() == life()
