"""Which projects keep their records for a bounded time, and until when. Knows no store."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.accounts.models import Project

__all__ = ["Retention", "retentions"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Records of the project from before this moment are not kept."""

    project_id: int
    before: datetime


def retentions(*, now: datetime) -> Iterator[Retention]:
    """Every project with a bound, in a steady order. `before` is a UTC midnight: whole days expire, not minutes."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    bounded = Project.objects.exclude(retention_days=None).order_by("pk").values_list("pk", "retention_days")
    for project_id, days in bounded:
        if days:
            yield Retention(project_id, midnight - timedelta(days=days))
