"""A message by e-mail, through the mail server of the installation."""

import smtplib
from collections.abc import Mapping
from typing import ClassVar

from django.conf import settings
from django.core.mail import EmailMessage

from apps.alerts.calling import Caller
from apps.alerts.channels.base import DeliveryError, Envelope, Receipt, Setting
from apps.alerts.labels import labels_text
from apps.alerts.message import Notification

__all__ = ["Email"]


class Email:
    """Plain text; one Message-ID for all attempts."""

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    help: ClassVar[str] = "Needs SPANMETER_EMAIL_URL."
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(name="to", label="To", kind="email", help="One address, or several separated by commas."),
    )

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """Hand it to the mail server."""
        if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
            raise DeliveryError("no mail can be sent: SPANMETER_EMAIL_URL is not set", permanent=True)
        # A line break in a subject would be a header of somebody else's choosing.
        subject = " ".join(f"[{note.severity}] {note.text}".split())[:200]
        mail = EmailMessage(
            subject=subject,
            body=_text(note),
            to=[part.strip() for part in values["to"].split(",") if part.strip()],
            headers={"Message-ID": f"<{envelope.id}@spanmeter>", "Auto-Submitted": "auto-generated"},
        )
        try:
            mail.send()
        except smtplib.SMTPResponseException as error:
            code = int(error.smtp_code)
            raise DeliveryError(
                f"the mail server answered {code}", permanent=500 <= code < 600, status_code=code
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server could not be used: {error}"[:400]) from error
        return Receipt()


def _text(note: Notification) -> str:
    lines = [note.text, ""]
    for alert in note.alerts:
        named = labels_text(alert.labels)
        lines += [named] if named else []
        lines += [alert.reason, f"Incident: {alert.url}", f"Traces: {alert.traces_url}", ""]
    lines += [f"and {note.truncated} more", ""] if note.truncated else []
    lines += [note.description, ""] if note.description else []
    lines += [f"Rule: {note.rule_name}: {note.condition}", note.rule_url] if note.rule_url else []
    return "\n".join(lines)
