"""Emptying the outbox: claim a delivery, say it, write down what came back. At least once, always under the same id.

A claim moves `due_at` ahead by more than a call can take. A worker that dies while it speaks leaves the claim behind;
when its time is over the delivery is due again, and the receiver knows it by its id.
"""

import random
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from apps.accounts.vault import SecretsUnreadable, Vault
from apps.alerts.calling import Caller
from apps.alerts.channels import CHANNELS, DeliveryError, Envelope, Receipt
from apps.alerts.message import Notification
from apps.alerts.models import Attempt, Channel, Delivery
from apps.alerts.retry import next_wait

__all__ = ["caller_of_installation", "claim", "deliver_due", "deliver_one", "utc_now"]

_LEASE = timedelta(seconds=60)
_MOST = 50
_MOST_KEPT = 2000
_log = structlog.get_logger(__name__)
Clock = Callable[[], datetime]


def caller_of_installation() -> Caller:
    """With the hosts that this installation allows."""
    return Caller(allowed=settings.WEB.allowed_webhook_hosts)


def deliver_due(*, clock: Clock, caller: Caller, seconds: float = 45.0, most: int = _MOST) -> int:
    """Try what is due, oldest first, for so long; return how many were tried."""
    started, tried = time.monotonic(), 0
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__lte=clock()).order_by("due_at")
    for pk in due.values_list("pk", flat=True)[:most]:
        if time.monotonic() - started > seconds:
            break
        tried += deliver_one(pk, clock=clock, caller=caller)
    return tried


def claim(pk: uuid.UUID, *, now: datetime) -> Delivery | None:
    """Take one delivery; None when somebody else did, or it is not due."""
    delivery = (
        Delivery.objects.select_related("channel", "channel__project", "rule")
        .filter(pk=pk, status=Delivery.Status.PENDING, due_at__lte=now)
        .first()
    )
    if delivery is None:
        return None
    mine = uuid.uuid4()
    changed = Delivery.objects.filter(
        pk=pk, status=Delivery.Status.PENDING, due_at=delivery.due_at, claim=delivery.claim, attempts=delivery.attempts
    ).update(due_at=now + _LEASE, claim=mine, attempts=delivery.attempts + 1)
    if changed != 1:
        return None
    delivery.claim, delivery.attempts = mine, delivery.attempts + 1
    return delivery


def deliver_one(pk: uuid.UUID, *, clock: Clock, caller: Caller, chance: random.Random | None = None) -> bool:
    """Try one delivery once; False when it was not ours to try."""
    now = clock()
    delivery = claim(pk, now=now)
    if delivery is None:
        return False
    started = time.monotonic()
    try:
        receipt = _said(delivery, now=now, caller=caller)
    except DeliveryError as error:
        _failed(delivery, error, now=now, seconds=time.monotonic() - started, chance=chance or random.SystemRandom())
    else:
        _arrived(delivery, receipt, now=now, seconds=time.monotonic() - started)
    return True


def _said(delivery: Delivery, *, now: datetime, caller: Caller) -> Receipt:
    channel = delivery.channel
    if channel.disabled_at is not None:
        raise DeliveryError(f"the channel is disabled: {channel.disabled_reason}", permanent=True)
    kind = CHANNELS.get(channel.kind)
    if kind is None:
        raise DeliveryError(f"there is no channel of kind {channel.kind!r} in this version", permanent=True)
    try:
        values = {
            **_texts(channel.config),
            **Vault(settings.SECRET_KEY, purpose="alert channels").open(channel.secrets),
        }
    except SecretsUnreadable as error:
        raise DeliveryError(str(error), permanent=True) from error
    missing = [one.name for one in kind.settings if (one.required or one.made) and not values.get(one.name)]
    if missing:
        raise DeliveryError(f"the channel lacks {', '.join(missing)}: enter it again", permanent=True)
    note = Notification.read(delivery.payload)
    return kind.send(note, Envelope(delivery.message_id, now), values, caller)


def _texts(config: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in config.items()}


def _arrived(delivery: Delivery, receipt: Receipt, *, now: datetime, seconds: float) -> None:
    with transaction.atomic():
        Attempt.objects.create(
            delivery=delivery,
            at=now,
            seconds=seconds,
            status_code=receipt.status_code,
            answer=receipt.answer[:_MOST_KEPT],
        )
        Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim).update(
            status=Delivery.Status.SENT, finished_at=now, problem=""
        )
    _log.info("delivered", delivery=delivery.message_id, channel=str(delivery.channel_id), attempts=delivery.attempts)


def _failed(delivery: Delivery, error: DeliveryError, *, now: datetime, seconds: float, chance: random.Random) -> None:
    wait = None
    if not error.permanent and delivery.type != "channel.test":  # whoever sends a test looks at the answer
        wait = next_wait(delivery.attempts, chance=chance, retry_after=error.retry_after)
    changes: dict[str, object] = {"problem": error.message[:500]}
    if wait is None:
        changes |= {"status": Delivery.Status.FAILED, "finished_at": now}
    else:
        changes |= {"due_at": now + wait}
    with transaction.atomic():
        Attempt.objects.create(
            delivery=delivery,
            at=now,
            seconds=seconds,
            status_code=error.status_code,
            answer=error.answer[:_MOST_KEPT],
            problem=error.message[:500],
        )
        Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim).update(**changes)
        if error.disable:
            Channel.objects.filter(pk=delivery.channel_id, disabled_at=None).update(
                disabled_at=now, disabled_reason=error.message[:300]
            )
    _log.warning("delivery_failed", delivery=delivery.message_id, problem=error.message, again=wait is not None)


def utc_now() -> datetime:
    """The clock of the worker."""
    return datetime.now(UTC)
