"""What a rule can watch: every metric of spans, and those of the scores of one name. The one list for all of alerts."""

from collections.abc import Mapping

from apps.analytics.query import Field
from apps.analytics.sql.dimensions import DIMENSIONS
from apps.analytics.sql.judged import FILTERED, SCORE_BY
from apps.analytics.sql.metrics import METRICS, SCORE_METRICS, Metric, ScoreMetric

__all__ = ["FILTERS", "GROUPS", "SCORE_FILTERS", "SCORE_GROUPS", "WATCHED", "of_scores"]

WATCHED: Mapping[str, Metric | ScoreMetric] = {**METRICS, **SCORE_METRICS}
_FIELDS = {field.value for field in Field}
# What a rule may be broken down by: dimensions that a filter can name too.
GROUPS = tuple(name for name in DIMENSIONS if name in _FIELDS)
SCORE_GROUPS = tuple(name for name in SCORE_BY if name in _FIELDS)
FILTERS = tuple(field.value for field in Field)
SCORE_FILTERS = tuple(field.value for field in FILTERED)


def of_scores(metric: str) -> bool:
    """Whether it is read from scores, and so needs the name of one."""
    return metric in SCORE_METRICS
