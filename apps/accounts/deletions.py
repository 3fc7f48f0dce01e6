"""Which deleted projects the worker has to look after, and what it found. Knows no store.

A deletion is never done with: a gateway that was away may hand in its spool weeks later. While rows are found the
worker comes back within a minute, and once an hour after that.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F

from apps.accounts.models import Deletion, Project

__all__ = ["deletions_claim", "deletions_note"]

_LEASE = timedelta(
    minutes=10
)  # a worker that was killed, or that the store refused, has its work taken over after this
_SOON = timedelta(minutes=1)
_LATER = timedelta(hours=1)


def deletions_claim(*, now: datetime) -> list[int]:
    """The ids of the deleted projects whose rows are to be removed now; nobody else is given them for a while.

    A project that lives is never among them, whatever was deleted before it was given this id again.
    """
    due = Deletion.objects.filter(look_at__lte=now).exclude(project_id__in=Project.objects.values("pk"))
    claimed = list(due.order_by("look_at").values_list("project_id", flat=True))
    Deletion.objects.filter(project_id__in=claimed).update(look_at=now + _LEASE)
    return claimed


def deletions_note(found: Mapping[int, int], *, now: datetime) -> None:
    """Write down how many rows of which project there were, all of them removed by now."""
    for project_id, rows in found.items():
        deletion = Deletion.objects.filter(project_id=project_id)
        if rows:
            deletion.update(look_at=now + _SOON, emptied_at=None, removed=F("removed") + rows)
        else:
            deletion.update(look_at=now + _LATER)
            deletion.filter(emptied_at=None).update(emptied_at=now)
