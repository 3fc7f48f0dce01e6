"""How long things last, on the pages that say it."""

from datetime import UTC, datetime, time, timedelta, tzinfo

import pytest
from django.test import Client

from apps.alerts import incident_views
from apps.alerts.models import Incident
from apps.alerts.services import maintenance_create, rule_create
from tests.apps.alerts.watching import ERRORS
from tests.conftest import People

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 14, 12, 30, tzinfo=UTC)


class Clock(datetime):
    """It is always NOW."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        """Return it."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize(
    ("ago", "ended", "said"),
    [
        (timedelta(seconds=21.4), None, "21.4 s"),
        (timedelta(minutes=5, seconds=3), None, "5m 03s"),
        (timedelta(hours=9), timedelta(minutes=37), "37m 00s"),
        (timedelta(days=2), timedelta(seconds=0), "0 ms"),
    ],
)
def test_an_incident_says_how_long_it_has_lasted(
    client: Client, people: People, monkeypatch: pytest.MonkeyPatch,
    ago: timedelta, ended: timedelta | None, said: str,
) -> None:  # fmt: skip
    """One that has just begun has lasted seconds; one that is over stands still."""
    monkeypatch.setattr(incident_views, "datetime", Clock)
    rule = rule_create(project=people.project, name="Errors", spec=ERRORS, channels=[], now=NOW)
    incident = Incident.objects.create(
        project=people.project, rule=rule, fingerprint="f", labels={}, severity="error", started_at=NOW - ago,
        resolved_at=None if ended is None else NOW - ago + ended, reason="18.2% failed", notified_at=NOW - ago,
    )  # fmt: skip
    client.force_login(people.alice)
    for path in ("", f"incidents/{incident.pk}/"):
        page = client.get(f"/p/{people.project.slug}/alerts/{path}").content.decode()
        assert f">{said}</span>" in page


def test_a_maintenance_window_of_a_minute_is_said_as_one(client: Client, people: People) -> None:
    """One minute, two minutes."""
    for minutes in (1, 2):
        maintenance_create(
            project=people.project, name="Restart", weekdays=[0], starts=time(3, 0), minutes=minutes, zone="UTC"
        )
    client.force_login(people.alice)
    page = client.get(f"/p/{people.project.slug}/alerts/quiet/").content.decode()
    assert "for 1 minute (UTC)" in page
    assert "for 2 minutes (UTC)" in page
