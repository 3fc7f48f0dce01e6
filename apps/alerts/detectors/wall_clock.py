"""The same time of day on another day, by the clock on the wall: across a change to summer time a day has 23 hours."""

from datetime import UTC, datetime, timedelta, tzinfo

__all__ = ["shifted"]


def shifted(moment: datetime, *, days: int, zone: tzinfo) -> datetime:
    """The moment at which the wall clock shows the same on the other day. A time that does not exist there moves on by
    the hour that is missing.
    """
    local = moment.astimezone(zone)
    return (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone, fold=local.fold).astimezone(UTC)
