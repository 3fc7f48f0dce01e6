"""Parameters of a score's page and of its JSON twin → what is asked. Pure: `now` is passed in.

`name` is the name of the score here, and never that of a span.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from apps.analytics.parse import QueryError, query_from
from apps.analytics.query import Query
from apps.analytics.sql.judged import SCORE_BY

__all__ = ["Asked", "asked_from"]

_WORST = ("lowest", "highest")


@dataclass(frozen=True, slots=True)
class Asked:
    """One score, broken down by a dimension; `highest`: its highest verdicts are the worst."""

    query: Query
    name: str
    by: str
    highest: bool


def asked_from(parameters: QueryDict, *, project_id: int, now: datetime, time_zone: str, default_range: str) -> Asked:
    """Read them, or raise a QueryError that names the wrong one."""
    name = parameters.get("name", "")
    if not name:
        raise QueryError("name", "name is missing", "the name of a score")
    by, worst = parameters.get("by") or "model", parameters.get("worst") or _WORST[0]
    if by not in SCORE_BY:
        raise QueryError("by", f"by={by[:60]!r} is not accepted", "one of " + ", ".join(SCORE_BY))
    if worst not in _WORST:
        raise QueryError("worst", f"worst={worst[:60]!r} is not accepted", "one of " + ", ".join(_WORST))
    rest = parameters.copy()
    for own in ("name", "by", "worst"):
        rest.pop(own, None)
    query = query_from(rest, project_id=project_id, now=now, time_zone=time_zone, default_range=default_range)
    return Asked(query, name, by, worst == "highest")
