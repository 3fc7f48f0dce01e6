"""Made-up names and trends of scores, in four sizes: none, little, much, and broken (odd names, nothing known)."""

import math
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from apps.analytics.score_trends import (
    CategoryLine,
    CostPoint,
    ScoreBin,
    ScoreBucket,
    ScoreGroup,
    ScoreNumbers,
    ScoreTrend,
    WorstScore,
)
from apps.analytics.scores import ScoreName
from tests.browser.sample import HOSTILE, NOW

__all__ = ["names_of", "trend_of"]

_BUCKETS = 28
_HOURS = 6
_START = NOW - timedelta(hours=_HOURS * _BUCKETS)
_GROUPS = ("gpt-4o-mini", "claude-sonnet-4-5", "llama-3.3-70b-instruct", "gpt-4o", "mistral-small")
_NOTHING = ScoreNumbers(0, 0, None, None, None)


def names_of(size: str) -> tuple[ScoreName, ...]:
    """What the list shows."""
    if size == "none":
        return ()
    means = _course(0.86, size)
    counts = tuple(0 if mean is None else 40 + at for at, mean in enumerate(means))
    row = ScoreName("groundedness", "number", 12_480, 37, 0.8612, 0.04, 1.0, NOW - timedelta(minutes=2), counts, means)
    if size == "little":
        return (replace(row, count=3, no_verdict=0),)
    odd = HOSTILE * 3 if size == "broken" else "answered-in-the-language-of-the-question"
    return (
        row,
        ScoreName("helpful", "boolean", 812, 0, 0.914, 0.0, 1.0, NOW - timedelta(hours=1), counts, _course(0.9, size)),
        ScoreName("tone", "category", 640, 12, None, None, None, NOW - timedelta(days=2), counts, (None,) * _BUCKETS),
        ScoreName(odd, "number", 7, 7, None, None, None, NOW, (7,), (None,)),
    )


def trend_of(size: str, name: str) -> ScoreTrend:
    """What the page of one score shows; `tone` is one of categories."""
    starts = [_START + timedelta(hours=_HOURS * at) for at in range(_BUCKETS)]
    empty = size == "none"
    means = (None,) * _BUCKETS if empty else _course(0.86, size)
    series = tuple(
        ScoreBucket(start, 0 if mean is None else 40, 0 if mean is None else at % 3, mean)
        for at, (start, mean) in enumerate(zip(starts, means, strict=True))
    )
    trend = ScoreTrend(
        name=name, data_type="" if empty else "number", by="model", width_seconds=_HOURS * 3600,
        totals=_NOTHING if empty else ScoreNumbers(12_480, 37, 0.8612, 0.04, 1.0), series=series, groups=(), bins=(),
        categories=(), worst=(), costs=(), limited=size == "broken",
    )  # fmt: skip
    if empty:
        return trend
    groups = _GROUPS[:1] if size == "little" else _GROUPS if size == "much" else (HOSTILE * 2, "", *_GROUPS)
    full = replace(
        trend,
        groups=tuple(
            ScoreGroup(
                group,
                ScoreNumbers(4000 // (at + 1), at, 0.9 - at * 0.09, 0.1, 1.0),
                None if at == 1 else Decimal("0.0123") * (at + 1),
                _course(0.9 - at * 0.09, size, seed=at),
            )
            for at, group in enumerate(groups)
        ),
        bins=tuple(ScoreBin(at / 20, (at + 1) / 20, round(900 * math.exp((at - 19) / 4))) for at in range(20)),
        worst=tuple(_worst(at, size) for at in range(3 if size == "little" else 8)),
        costs=tuple(
            CostPoint(group, "openai", 900, 0.9 - at * 0.07, Decimal("0.0004") * (9 - at) ** 2)
            for at, group in enumerate(groups)
        ),
    )
    if name != "tone":
        return full
    kinds = ("kind", "neutral", HOSTILE if size == "broken" else "curt")
    return replace(
        full,
        data_type="category",
        totals=ScoreNumbers(640, 12, None, None, None),
        groups=tuple(replace(one, numbers=replace(one.numbers, mean=None), means=()) for one in full.groups),
        bins=(),
        categories=tuple(
            CategoryLine(kind, 400 // (at + 1), 0.6 / (at + 1), (0.6 / (at + 1),) * _BUCKETS)
            for at, kind in enumerate(kinds)
        ),
    )


def _course(level: float, size: str, *, seed: int = 0) -> tuple[float | None, ...]:
    chance = random.Random(seed)
    values = [min(1.0, max(0.0, level + chance.gauss(0, 0.02))) for _ in range(_BUCKETS)]
    if size == "much":
        values[20:23] = [level - 0.4, level - 0.5, level - 0.3]
    missing = {3, 4, 9} if size != "little" else set(range(_BUCKETS - 2))
    return tuple(None if at in missing else value for at, value in enumerate(values))


def _worst(at: int, size: str) -> WorstScore:
    odd = size == "broken"
    return WorstScore(
        id=f"s{at}", trace_id="" if at == 2 else f"{at:032x}", span_id="", session_id="s-4",
        timestamp=NOW - timedelta(minutes=7 * at), value=None if odd and at == 1 else 0.04 + at / 20, category="",
        model=HOSTILE if odd else _GROUPS[at % 3], user_id=f"user-{at}", trace_name=HOSTILE if odd else "answer",
        evaluator="groundedness",
        comment=HOSTILE * 9 if odd else "Not supported: “The museum opens at eight on Sundays.” (another number)",
    )  # fmt: skip
