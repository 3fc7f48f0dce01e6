"""The life of one alert: inactive → pending → firing → resolved. Pure: `now` is passed in; knows no rule, no row.

Time counts only while somebody looked: each step adds what passed since the last one, never less than nothing and
never more than `longest_gap`. So a clock that jumps back takes nothing away, and one that jumps ahead, or a worker
that slept, makes nobody fire for an hour that was not seen.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["NoDataPolicy", "Outcome", "Phase", "Policy", "State", "Step", "step"]

_NONE = timedelta(0)


class Phase(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"  # breached, not yet for long enough
    FIRING = "firing"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """What one look at the numbers said."""

    BREACHED = "breached"
    CLEAR = "clear"
    HELD = "held"  # neither over the limit nor back below the recovery limit
    NO_DATA = "no_data"  # nothing was measured: not zero, not an error
    UNSURE = "unsure"  # too few samples, or too little history, to say


class NoDataPolicy(StrEnum):
    """What nothing measured means."""

    KEEP_LAST = "keep_last"  # stay as it is; no time passes
    OK = "ok"
    ALERT = "alert"
    RESOLVE = "resolve"  # end at once, without waiting for `keep_firing`


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long what must hold before the phase changes."""

    hold: timedelta = _NONE  # breached for so long before it fires
    keep_firing: timedelta = _NONE  # clear for so long before it is resolved
    no_data: NoDataPolicy = NoDataPolicy.KEEP_LAST
    longest_gap: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Of one alert. `breached_for` and `clear_for` are observed time, not differences of clocks."""

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None
    seen: datetime | None = None
    breached: bool = False
    breached_for: timedelta = _NONE
    clear: bool = False
    clear_for: timedelta = _NONE


@dataclass(frozen=True, slots=True)
class Step:
    """A change of phase."""

    before: Phase
    after: Phase
    at: datetime
    outcome: Outcome


def step(state: State, outcome: Outcome, *, now: datetime, policy: Policy) -> tuple[State, Step | None]:
    """Look once. Returns the new state, and the change of phase when there was one."""
    passed = _passed(state, now=now, longest=policy.longest_gap)
    seen = replace(state, seen=now)
    if outcome is Outcome.NO_DATA:
        if policy.no_data is NoDataPolicy.KEEP_LAST:
            return seen, None
        if policy.no_data is NoDataPolicy.RESOLVE:
            after = Phase.RESOLVED if state.phase is Phase.FIRING else _calm(state.phase)
            return _moved(seen, after, now=now, outcome=outcome)
    if outcome is Outcome.BREACHED or (outcome is Outcome.NO_DATA and policy.no_data is NoDataPolicy.ALERT):
        return _breached(seen, passed, now=now, outcome=outcome, policy=policy)
    if outcome is Outcome.CLEAR or outcome is Outcome.NO_DATA:
        return _clear(seen, passed, now=now, outcome=outcome, policy=policy)
    # HELD and UNSURE: what fires goes on firing, what was only pending has not held on.
    unbroken = replace(seen, breached=False, breached_for=_NONE, clear=False, clear_for=_NONE)
    return _moved(unbroken, _calm(state.phase), now=now, outcome=outcome)


def _breached(
    state: State, passed: timedelta, *, now: datetime, outcome: Outcome, policy: Policy
) -> tuple[State, Step | None]:
    held = state.breached_for + passed if state.breached else _NONE
    state = replace(state, breached=True, breached_for=held, clear=False, clear_for=_NONE)
    if state.phase is Phase.FIRING:
        return state, None
    return _moved(state, Phase.FIRING if held >= policy.hold else Phase.PENDING, now=now, outcome=outcome)


def _clear(
    state: State, passed: timedelta, *, now: datetime, outcome: Outcome, policy: Policy
) -> tuple[State, Step | None]:
    clear_for = state.clear_for + passed if state.clear else _NONE
    state = replace(state, breached=False, breached_for=_NONE, clear=True, clear_for=clear_for)
    if state.phase is Phase.FIRING:
        after = Phase.RESOLVED if clear_for >= policy.keep_firing else Phase.FIRING
        return _moved(state, after, now=now, outcome=outcome)
    return _moved(state, _calm(state.phase), now=now, outcome=outcome)


def _calm(phase: Phase) -> Phase:
    return Phase.INACTIVE if phase is Phase.PENDING else phase


def _moved(state: State, after: Phase, *, now: datetime, outcome: Outcome) -> tuple[State, Step | None]:
    if after is state.phase:
        return state, None
    if after in {Phase.RESOLVED, Phase.INACTIVE}:
        state = replace(state, breached=False, breached_for=_NONE, clear=False, clear_for=_NONE)
    return replace(state, phase=after, since=now), Step(state.phase, after, now, outcome)


def _passed(state: State, *, now: datetime, longest: timedelta) -> timedelta:
    return _NONE if state.seen is None else min(max(now - state.seen, _NONE), longest)
