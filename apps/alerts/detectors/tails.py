"""How unlikely a count, or a share, is; as a number of standard deviations. Pure arithmetic."""

import math
from statistics import NormalDist

__all__ = ["count_score", "share_score", "student_score", "wilson"]

_NORMAL = NormalDist()
_MOST = 40.0
_LARGE = 2000.0


def count_score(count: float, *, mean: float, variance: float) -> float:
    """By the Poisson tail, or the negative binomial's where the variance is wider than the mean. Signed."""
    mean = max(mean, 1e-6)
    if max(mean, count) > _LARGE:
        return _clipped((count - mean) / math.sqrt(max(variance, mean)))
    whole = round(count)
    if whole == round(mean):
        return 0.0
    above = whole > mean
    tail = _tail(whole, mean, max(variance, mean), above=above)
    return _clipped(_score(tail) * (1 if above else -1))


def share_score(hits: float, total: float, *, base_hits: float, base_total: float) -> float:
    """Two shares compared: how unlikely `hits` among `total` are, if they come from what the base came from. Signed.

    By the beta-binomial tail, which knows that a base of few samples is itself uncertain.
    """
    if total <= 0 or base_total <= 0:
        return 0.0
    above = hits / total > base_hits / base_total
    alpha, beta = base_hits + 0.5, max(0.0, base_total - base_hits) + 0.5
    if total > _LARGE:
        mean = alpha / (alpha + beta)
        variance = mean * (1 - mean) * (1 / total + 1 / (alpha + beta + 1))
        return _clipped((hits / total - mean) / math.sqrt(variance))
    whole, most = round(hits), round(total)
    tail = sum(
        math.exp(_log_share_mass(at, most, alpha, beta))
        for at in (range(whole, most + 1) if above else range(whole + 1))
    )
    return _clipped(_score(tail) * (1 if above else -1))


def student_score(distance: float, *, freedom: float) -> float:
    """A distance in estimated deviations as one in true ones: the fewer points it was estimated from, the smaller."""
    freedom = max(freedom, 2.0)
    size = math.sqrt(freedom * math.log1p(distance * distance / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(min(_MOST, size), distance)


def wilson(hits: float, total: float, *, score: float) -> tuple[float, float]:
    """The interval that holds the true share, `score` standard deviations wide."""
    if total <= 0:
        return 0.0, 1.0
    share, square = hits / total, score * score
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = (
        score * math.sqrt(max(0.0, share * (1 - share) / total + square / (4 * total * total))) / (1 + square / total)
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def _tail(count: int, mean: float, variance: float, *, above: bool) -> float:
    """P(X >= count), or P(X <= count)."""
    total, at = 0.0, count
    for _ in range(20_000):
        term = math.exp(_log_mass(at, mean, variance))
        total += term
        at += 1 if above else -1
        if at < 0 or term < total * 1e-12 or (term == 0.0 and total == 0.0):
            break
    return total


def _log_mass(count: int, mean: float, variance: float) -> float:
    if variance <= mean * 1.02:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    size = mean * mean / (variance - mean)
    chance = size / (size + mean)
    return (
        math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
        + size * math.log(chance) + count * math.log1p(-chance)
    )  # fmt: skip


def _log_share_mass(hits: int, total: int, alpha: float, beta: float) -> float:
    misses = total - hits
    return (
        math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(misses + 1)
        + math.lgamma(hits + alpha) + math.lgamma(misses + beta) - math.lgamma(total + alpha + beta)
        + math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    )  # fmt: skip


def _score(tail: float) -> float:
    if tail >= 0.5:
        return 0.0
    if tail > 1e-15:
        return -_NORMAL.inv_cdf(tail)
    if tail < 1e-300:
        return _MOST
    log = -2 * math.log(tail)  # beyond the reach of the inverse: the first terms of its expansion
    return math.sqrt(log - math.log(2 * math.pi * log))


def _clipped(score: float) -> float:
    return max(-_MOST, min(_MOST, score))
