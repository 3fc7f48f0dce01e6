"""How well the anomaly detector does on series whose anomalies are known:

    python -m bench.detectors [--seeds 5]

Prints the table of docs/alerts.md: for each metric kind and anomaly, precision (alarms that were right), recall
(anomalies that were found) and the delay until the alarm. Same seeds, same numbers, on every machine.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from apps.alerts.backtest import backtest
from apps.alerts.series import MetricKind, Point, Series
from apps.alerts.spec import spec_from

__all__ = ["ANOMALIES", "Scored", "generated", "main", "measured"]

STEP = timedelta(minutes=5)
START = datetime(2026, 2, 2, tzinfo=UTC)  # a Monday
HISTORY, WATCHED = timedelta(days=28), timedelta(days=7)
METRICS = {
    MetricKind.COUNT: "requests",
    MetricKind.SUM: "cost",
    MetricKind.RATIO: "error_rate",
    MetricKind.MEASURE: "latency_p95",
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is done to the mean from `start` on (days into the watched week), and for how long."""

    name: str
    start: float
    length: float
    factor: Callable[[float, random.Random], float]  # share of the anomaly that has passed → multiplier


ANOMALIES = (
    Anomaly("level shift", 2.4, 1.0, lambda _, __: 1.9),
    Anomaly("spike", 3.1, 0.021, lambda _, __: 4.0),
    Anomaly("drift", 1.5, 2.0, lambda passed, _: 1 + 1.5 * passed),
    Anomaly("missing season", 3.35, 0.3, lambda _, __: 0.25),
    Anomaly("variance change", 2.0, 1.0, lambda _, chance: math.exp(chance.gauss(0, 0.9))),
)
QUIET = Anomaly("none: a quiet week", 0, 0, lambda _, __: 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Over all seeds of one kind and one anomaly."""

    kind: MetricKind
    anomaly: str
    alarms: int
    right: int
    found: int
    planted: int
    delay: timedelta | None


def season(moment: datetime) -> float:
    """Busy by day, quiet at night and on Sundays: what an application used in one country looks like."""
    hour = moment.hour + moment.minute / 60
    day = 0.25 + 0.75 * max(0.0, math.sin((hour - 6) / 16 * math.pi)) if 6 <= hour <= 22 else 0.25
    return day * (0.45 if moment.weekday() == 6 else 0.7 if moment.weekday() == 5 else 1.0)


def generated(kind: MetricKind, anomaly: Anomaly, seed: int) -> tuple[Series, datetime, datetime]:
    """Four usual weeks and a watched one; the anomaly's start and end in it."""
    chance = random.Random(f"{kind}-{anomaly.name}-{seed}")
    first = START + HISTORY + timedelta(days=anomaly.start)
    last = first + timedelta(days=anomaly.length)
    level, points, moment = 0.0, [], START
    while moment < START + HISTORY + WATCHED:
        level = 0.9 * level + chance.gauss(0, 0.03)  # neighbours resemble each other
        usual = season(moment) * math.exp(level)
        inside = first <= moment < last
        factor = anomaly.factor((moment - first) / (last - first), chance) if inside else 1.0
        points.append(point_of(kind, moment, usual, factor, chance))
        moment += STEP
    return Series(step=STEP, points=tuple(points), kind=kind), first, last


def point_of(kind: MetricKind, moment: datetime, usual: float, factor: float, chance: random.Random) -> Point:
    """One five-minute window."""
    calls = poisson(120 * usual * (factor if kind in {MetricKind.COUNT, MetricKind.SUM} else 1), chance)
    if kind is MetricKind.COUNT:
        return Point(moment, float(calls), calls)
    if kind is MetricKind.SUM:
        # Each call costs a little, now and then a lot.
        return Point(moment, sum(0.004 * math.exp(chance.gauss(0, 0.8)) for _ in range(calls)), calls)
    if kind is MetricKind.RATIO:
        share = min(1.0, 0.03 * factor**2)
        failed = sum(chance.random() < share for _ in range(calls))
        return Point(moment, failed / calls if calls else None, calls)
    return Point(moment, 1.8 * factor * math.exp(chance.gauss(0, 0.12)) * (1 + 0.3 * usual), calls)


def poisson(mean: float, chance: random.Random) -> int:
    """A count with this mean."""
    if mean > 200:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def measured(kind: MetricKind, anomaly: Anomaly, seeds: Sequence[int]) -> Scored:
    """Lead the rule over each series. An alarm is right when it begins in the anomaly or within half an hour of it."""
    spec = spec_from(
        {"metric": METRICS[kind], "window": "5m", "for": "0s", "keep_firing": "30m", "condition": {"type": "anomaly"}}
    )
    alarms = right = found = 0
    delays = []
    for seed in seeds:
        series, first, last = generated(kind, anomaly, seed)
        episodes = backtest(spec, series, start=START + HISTORY).episodes
        inside = [one for one in episodes if anomaly.length and first <= one.start <= last + timedelta(minutes=30)]
        alarms, right = alarms + len(episodes), right + len(inside)
        if inside:
            found += 1
            delays.append((inside[0].start - first).total_seconds())
    return Scored(
        kind=kind, anomaly=anomaly.name, alarms=alarms, right=right, found=found,
        planted=len(seeds) if anomaly.length else 0, delay=timedelta(seconds=median(delays)) if delays else None,
    )  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args(arguments).seeds)
    print("| metric | anomaly | precision | recall | delay, median |\n|---|---|---|---|---|")
    for kind in MetricKind:
        for anomaly in (*ANOMALIES, QUIET):
            one = measured(kind, anomaly, seeds)
            precision = f"{one.right / one.alarms:.0%} of {one.alarms}" if one.alarms else "no alarm"
            recall = f"{one.found} of {one.planted}" if one.planted else "-"
            delay = f"{one.delay.total_seconds() / 60:.0f} min" if one.delay is not None else "-"
            print(f"| {METRICS[kind]} | {one.anomaly} | {precision} | {recall} | {delay} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
