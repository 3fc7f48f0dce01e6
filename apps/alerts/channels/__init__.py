"""The registry of channels. One more is one file here and one line below."""

from apps.alerts.channels.alertmanager import Alertmanager
from apps.alerts.channels.base import Channel, DeliveryError, Envelope, Receipt, Setting
from apps.alerts.channels.email import Email
from apps.alerts.channels.pagerduty import PagerDuty
from apps.alerts.channels.slack import Slack
from apps.alerts.channels.webhook import Webhook

__all__ = ["CHANNELS", "Channel", "DeliveryError", "Envelope", "Receipt", "Setting"]

CHANNELS: dict[str, Channel] = {
    channel.kind: channel for channel in (Webhook(), Alertmanager(), Slack(), PagerDuty(), Email())
}
