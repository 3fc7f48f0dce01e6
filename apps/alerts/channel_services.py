"""What can be done to channels and deliveries. Keyword-only; the caller has asked access.py first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import Project, User
from apps.accounts.vault import SecretsUnreadable, Vault
from apps.alerts.calling import Caller
from apps.alerts.channels import CHANNELS
from apps.alerts.channels.values import values_checked
from apps.alerts.deliver import deliver_one
from apps.alerts.models import Channel, Delivery
from apps.alerts.outbox import test_note
from apps.api.rule_error import RuleError

__all__ = [
    "SavedChannel",
    "channel_create",
    "channel_delete",
    "channel_enable",
    "channel_test",
    "channel_update",
    "delivery_replay",
]


@dataclass(frozen=True, slots=True)
class SavedChannel:
    """`made` are secrets that cannot be shown again."""

    channel: Channel
    made: Mapping[str, str]


def channel_create(
    *, project: Project, name: str, kind: str, values: Mapping[str, object], created_by: User | None = None
) -> SavedChannel:
    """Make a channel."""
    return _kept(Channel(project=project, kind=kind, created_by=created_by), name=name, values=values, kept={})


def channel_update(*, channel: Channel, name: str, values: Mapping[str, object]) -> SavedChannel:
    """Change it; a secret left empty stays."""
    try:
        kept = Vault(settings.SECRET_KEY, purpose="alert channels").open(channel.secrets)
    except SecretsUnreadable:
        kept = {}
    return _kept(channel, name=name, values=values, kept=kept)


def channel_enable(*, channel: Channel) -> bool:
    """Use it again after it was disabled; says whether it was."""
    changed = Channel.objects.filter(pk=channel.pk).exclude(disabled_at=None)
    return changed.update(disabled_at=None, disabled_reason="") == 1


def channel_delete(*, channel: Channel) -> None:
    """Remove it with its deliveries."""
    channel.delete()


def channel_test(*, channel: Channel, now: datetime, caller: Caller) -> Delivery:
    """Send a test at once, and return what became of it."""
    delivery = test_note(channel, now=now)
    deliver_one(delivery.pk, clock=lambda: now, caller=caller)
    return Delivery.objects.get(pk=delivery.pk)


def delivery_replay(*, delivery: Delivery, now: datetime) -> bool:
    """Send it again, under the same id, from the start of the schedule. False while it is waiting anyway."""
    finished = Delivery.objects.filter(pk=delivery.pk).exclude(status=Delivery.Status.PENDING)
    return (
        finished.update(
            status=Delivery.Status.PENDING, due_at=now, attempts=0, finished_at=None, problem="", claim=None
        )
        == 1
    )


def _kept(channel: Channel, *, name: str, values: Mapping[str, object], kept: Mapping[str, str]) -> SavedChannel:
    name = " ".join(name.split())
    if not name or len(name) > 80 or "\x00" in name:
        raise RuleError("name", f"name={name!r:.60} is not accepted", "a text of up to 80 characters")
    secret = (
        {setting.name for setting in CHANNELS[channel.kind].settings if setting.secret}
        if channel.kind in CHANNELS
        else set()
    )
    checked = values_checked(channel.kind, values, kept={key: value for key, value in kept.items() if key in secret})
    channel.name, channel.config = name, dict(checked.config)
    channel.secrets = Vault(settings.SECRET_KEY, purpose="alert channels").lock(checked.secrets)
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError as error:
        raise RuleError("name", f"there is a channel called {name!r:.80} already", "another name") from error
    return SavedChannel(channel, checked.made)
