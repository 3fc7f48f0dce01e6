"""What was typed in for a channel → what is kept in the open, what is kept secret, what was made."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.alerts.calling import address_problem
from apps.alerts.channels import CHANNELS
from apps.alerts.channels.base import DeliveryError, Setting
from apps.alerts.channels.webhook import secret_made, signature_of
from apps.api.rule_error import RuleError

__all__ = ["ChannelValues", "values_checked"]

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class ChannelValues:
    """`made` are secrets to be shown once."""

    config: Mapping[str, str]
    secrets: Mapping[str, str]
    made: Mapping[str, str]


def values_checked(kind: str, given: Mapping[str, object], *, kept: Mapping[str, str] | None = None) -> ChannelValues:
    """Check every setting. A secret left empty is the one that is kept, or made where the channel makes one."""
    channel = CHANNELS.get(kind)
    if channel is None:
        raise RuleError("kind", f"kind={kind!r:.60} does not exist", "one of " + ", ".join(CHANNELS))
    known = {setting.name for setting in channel.settings}
    for name in given:
        if name not in known:
            raise RuleError(
                f"config.{name}", f"{name!r:.60} is no setting of {kind}", "one of " + ", ".join(sorted(known))
            )
    config: dict[str, str] = {}
    secrets: dict[str, str] = {}
    made: dict[str, str] = {}
    for setting in channel.settings:
        value = given.get(setting.name) or ""
        if not isinstance(value, str) or len(value) > _LONGEST or any(ord(letter) < 32 for letter in value):
            raise RuleError(f"config.{setting.name}", f"{setting.label} is not accepted", "one line of text")
        value = value.strip() or (kept or {}).get(setting.name, "")
        if not value and setting.made:
            value = made[setting.name] = secret_made()
        if not value and setting.required:
            raise RuleError(f"config.{setting.name}", f"{setting.label} is missing", setting.help or "a text")
        if value:
            _check(kind, setting, value)
            (secrets if setting.secret else config)[setting.name] = value
    return ChannelValues(config, secrets, made)


def _check(kind: str, setting: Setting, value: str) -> None:
    field = f"config.{setting.name}"
    shown = "this value" if setting.secret else repr(value)[:80]
    if setting.kind == "url" and (problem := address_problem(value)):
        raise RuleError(field, f"{shown} cannot be called: {problem}", "an address such as https://example.com/hook")
    if setting.kind == "email":
        for part in value.split(","):
            try:
                validate_email(part.strip())
            except ValidationError as error:
                raise RuleError(field, f"{part.strip()!r:.80} is no e-mail address", "name@example.com") from error
    if kind == "webhook" and setting.secret:
        for secret in value.split():
            try:
                signature_of(secret, "", "0", b"")
            except DeliveryError as error:
                raise RuleError(field, "this is no signing secret", "whsec_ and base64, or nothing") from error
