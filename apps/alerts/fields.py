"""Reading a JSON object field by field; what is wrong is named, with its value and what is accepted. Pure."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from apps.api.rule_error import RuleError

__all__ = ["Fields", "duration_of", "duration_text"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(0|[1-9][0-9]{0,6})([smhdw])")
_LONGEST = timedelta(days=366)


class Fields:
    """One object of JSON. Each reader takes a field out; `done` refuses what nobody asked for."""

    def __init__(self, value: object, *, path: str = "") -> None:
        if not isinstance(value, Mapping):
            raise RuleError(path or "rule", f"{_shown(value)} is no object", "an object of named values")
        self._left = {str(name): content for name, content in value.items()}
        self._path = path

    def name(self, field: str) -> str:
        """The full path of a field."""
        return f"{self._path}.{field}" if self._path else field

    def take(self, field: str, default: object = None) -> object:
        """Whatever is there; null is absent."""
        value = self._left.pop(field, None)
        return default if value is None else value

    def text(self, field: str, default: str | None = None, *, most: int = 200) -> str:
        """A string; required without a default."""
        value = self.take(field, default)
        if value is None:
            raise RuleError(self.name(field), f"{self.name(field)} is missing", "a text")
        if not isinstance(value, str) or len(value) > most or "\x00" in value:
            raise RuleError(
                self.name(field),
                f"{self.name(field)}={_shown(value)} is not accepted",
                f"a text of up to {most} characters",
            )
        return value

    def choice(self, field: str, accepted: Iterable[str], default: str | None = None) -> str:
        """One of several words."""
        words = list(accepted)
        value = self.take(field, default)
        if value not in words:
            said = (
                f"{self.name(field)} is missing"
                if value is None
                else f"{self.name(field)}={_shown(value)} is not accepted"
            )
            raise RuleError(self.name(field), said, "one of " + ", ".join(words))
        return str(value)

    def number(
        self, field: str, default: float | None = None, *, least: float | None = None, most: float | None = None
    ) -> float | None:
        """A finite number, as a number or as text; None when absent and without a default."""
        value = self.take(field, default)
        if value is None:
            return None
        number = _number(value)
        if number is None or (least is not None and number < least) or (most is not None and number > most):
            raise RuleError(
                self.name(field), f"{self.name(field)}={_shown(value)} is not accepted", _bounds(least, most)
            )
        return number

    def duration(self, field: str, default: str | None = None, *, least: str = "0s", most: str = "366d") -> timedelta:
        """A length of time such as 30s, 5m, 1h, 7d."""
        value = self.take(field, default)
        if value is None:
            raise RuleError(self.name(field), f"{self.name(field)} is missing", f"from {least} to {most}")
        length = duration_of(value)
        if length is None or not _known(least) <= length <= _known(most):
            raise RuleError(
                self.name(field),
                f"{self.name(field)}={_shown(value)} is not accepted",
                f"a length of time from {least} to {most}",
            )
        return length

    def items(self, field: str, *, most: int) -> list[object]:
        """A list; absent is empty."""
        value = self.take(field, [])
        if not isinstance(value, list | tuple) or len(value) > most:
            raise RuleError(
                self.name(field), f"{self.name(field)}={_shown(value)} is not accepted", f"a list of up to {most}"
            )
        return list(value)

    def done(self) -> None:
        """Nothing may be left: a misspelled name must not be ignored."""
        for field, value in self._left.items():
            raise RuleError(self.name(field), f"{self.name(field)}={_shown(value)} is not known here", "remove it")


def duration_of(value: object) -> timedelta | None:
    """Read a length of time; None when it is none."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    length = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    return length if length <= _LONGEST else None


def duration_text(length: timedelta) -> str:
    """Write a length of time so that `duration_of` reads it."""
    seconds = int(length.total_seconds())
    if seconds == 0:
        return "0s"
    unit, size = next(pair for pair in reversed(_UNITS.items()) if seconds % pair[1] == 0)
    return f"{seconds // size}{unit}"


def _known(text: str) -> timedelta:
    length = duration_of(text)
    if length is None:
        raise AssertionError(text)
    return length


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = float(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _bounds(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"a number from {least:g} to {most:g}"
    if least is not None:
        return f"a number of at least {least:g}"
    return "a number"


def _shown(value: object) -> str:
    return repr(value)[:60]
