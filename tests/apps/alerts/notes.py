"""A notification for tests, with names that try to be more than text."""

from dataclasses import replace

from apps.alerts.message import Alert, Notification

__all__ = ["FIRING", "HOSTILE", "RESOLVED"]

HOSTILE = "<!channel> & \r\nBcc: everybody"
_ALERT = Alert(
    incident="0198", url="https://s.example/p/a/incidents/0198/", traces_url="https://s.example/p/a/traces/?user=u",
    fingerprint="f" * 32, status="firing", labels={"user": HOSTILE}, started_at="2026-05-20T12:00:00.000Z",
    ended_at=None, value=12.5, baseline=2.0, lower=None, upper=4.0, reason="12.5 is above the 2 that is usual",
)  # fmt: skip
FIRING = Notification(
    type="alert.firing", timestamp="2026-05-20T12:00:00.000Z", project="assistant", project_name="Assistant",
    rule="0197", rule_name="Cost of a user", rule_url="https://s.example/p/a/alerts/0197/", description="Ask finance.",
    severity="critical", condition="Cost by user is unusual over 5m", metric="cost", unit="USD",
    text=f"Cost of a user is firing: user {HOSTILE}", alerts=(_ALERT,),
)  # fmt: skip
RESOLVED = replace(
    FIRING, type="alert.resolved", alerts=(replace(_ALERT, status="resolved", ended_at="2026-05-20T13:00:00.000Z"),)
)
