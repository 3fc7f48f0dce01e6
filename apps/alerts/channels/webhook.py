"""A webhook by the Standard Webhooks specification: signed, with one id for all attempts and a timestamp for each."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import ClassVar

from apps.alerts.calling import Caller
from apps.alerts.channels.base import DeliveryError, Envelope, Receipt, Setting
from apps.alerts.channels.http import body_of, posted
from apps.alerts.message import Notification

__all__ = ["Webhook", "secret_made", "signature_of"]

_PREFIX = "whsec_"


class Webhook:
    """POST {"type", "timestamp", "data"}."""

    kind: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    help: ClassVar[str] = "Signed JSON to an address of yours, by the Standard Webhooks specification."
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(name="url", label="Address", kind="url", help="Answers 2xx when it has taken the message."),
        Setting(
            name="secret", label="Signing secret", secret=True, required=False, made=True,
            help="Left empty, one is made and shown once. Two, separated by a space, while you change it.",
        ),
    )  # fmt: skip

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """Sign what is sent at this attempt and post it."""
        written = note.written()
        body = body_of({"type": written.pop("type"), "timestamp": written.pop("timestamp"), "data": written})
        at = str(int(envelope.at.timestamp()))
        signatures = [signature_of(secret, envelope.id, at, body) for secret in values["secret"].split()]
        headers = {"webhook-id": envelope.id, "webhook-timestamp": at, "webhook-signature": " ".join(signatures)}
        return posted(caller, values["url"], body=body, headers=headers, now=envelope.at)


def secret_made() -> str:
    """A new secret: 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature_of(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """v1, HMAC-SHA256 over id, timestamp and body."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise DeliveryError("the signing secret is no base64 after whsec_: enter it again", permanent=True) from error
    signed = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()
