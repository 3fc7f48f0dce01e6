"""What a channel is: its fields, and how it says a notification. It knows no row and no schedule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from apps.alerts.calling import Caller
from apps.alerts.message import Notification

__all__ = ["Channel", "DeliveryError", "Envelope", "Receipt", "Setting"]


class DeliveryError(Exception):
    """It did not arrive. `permanent`: trying again would change nothing. `disable`: the receiver asked for no more."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        disable: bool = False,
        retry_after: float | None = None,
        status_code: int | None = None,
        answer: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.disable = disable
        self.retry_after = retry_after
        self.status_code = status_code
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing to be said about a channel. A secret is encrypted and never shown again."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    kind: str = "text"  # text, url, email
    made: bool = False  # left empty, one is made


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is the same at every attempt (the id), and what is not (the moment)."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver took it."""

    status_code: int | None = None
    answer: str = ""


class Channel(Protocol):
    """One kind of receiver."""

    kind: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]

    def send(self, note: Notification, envelope: Envelope, values: Mapping[str, str], caller: Caller) -> Receipt:
        """Say it once. Raises DeliveryError."""
