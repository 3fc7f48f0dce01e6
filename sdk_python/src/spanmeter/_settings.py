"""What the package can be told, from arguments and SPANMETER_* variables. Pure: reads the mapping it is given.

An argument wins over its variable. A value that cannot be used raises SettingError, which names it and the way out.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

__all__ = ["Options", "SettingError", "Settings", "read_settings"]

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off", ""}


class Options(TypedDict, total=False):
    """The same as arguments of `configure()`; None means that it is not said."""

    base_url: str | None
    api_key: str | None
    environment: str | None
    release: str | None
    service: str | None
    project: str | None
    dashboard_url: str | None
    disabled: bool | None
    capture_content: bool | None
    content_limit: int | None
    argument_limit: int | None
    sample_rate: float | None
    interval: float | None
    timeout: float | None
    exit_timeout: float | None
    queue_spans: int | None
    queue_bytes: int | None
    batch_spans: int | None
    batch_bytes: int | None
    compression: bool | None
    spool_directory: str | os.PathLike[str] | None  # "off": wait in memory
    spool_bytes: int | None


class SettingError(ValueError):
    """A setting that cannot be used; the message says which, why, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `configure()` decides. The limits bound memory and disk, whatever the host does."""

    base_url: str = "http://127.0.0.1:8100"
    api_key: str = ""
    environment: str = ""
    release: str = ""
    service: str = ""
    project: str = ""
    dashboard_url: str = ""
    disabled: bool = False
    capture_content: bool = True
    content_limit: int = 262_144  # characters of the messages of one generation
    argument_limit: int = 32_768  # characters of the arguments, or of the result, of one decorated call
    sample_rate: float = 1.0
    interval: float = 1.0  # seconds between two exports
    timeout: float = 10.0  # seconds for one request
    exit_timeout: float = 5.0  # seconds that the end of the process may wait for us
    queue_spans: int = 8192
    queue_bytes: int = 64 * 1024 * 1024
    batch_spans: int = 512
    batch_bytes: int = 2 * 1024 * 1024
    compression: bool = True
    spool_directory: Path | None = None  # None: bodies that wait are kept in memory
    spool_bytes: int = 128 * 1024 * 1024

    @property
    def recording(self) -> bool:
        """Whether anything is recorded at all."""
        return not self.disabled and bool(self.api_key)


# Setting → the variables that tell it, the first that is set wins.
VARIABLES: dict[str, tuple[str, ...]] = {
    "base_url": ("SPANMETER_BASE_URL",),
    "api_key": ("SPANMETER_API_KEY", "SPANMETER_SECRET_KEY"),
    "environment": ("SPANMETER_ENVIRONMENT",),
    "release": ("SPANMETER_RELEASE",),
    "service": ("SPANMETER_SERVICE", "OTEL_SERVICE_NAME"),
    "project": ("SPANMETER_PROJECT",),
    "dashboard_url": ("SPANMETER_DASHBOARD_URL",),
    "disabled": ("SPANMETER_DISABLED", "OTEL_SDK_DISABLED"),
    "capture_content": ("SPANMETER_CAPTURE_CONTENT",),
    "content_limit": ("SPANMETER_CONTENT_LIMIT",),
    "argument_limit": ("SPANMETER_ARGUMENT_LIMIT",),
    "sample_rate": ("SPANMETER_SAMPLE_RATE",),
    "interval": ("SPANMETER_EXPORT_INTERVAL",),
    "timeout": ("SPANMETER_EXPORT_TIMEOUT",),
    "exit_timeout": ("SPANMETER_EXIT_TIMEOUT",),
    "queue_spans": ("SPANMETER_QUEUE_SPANS",),
    "queue_bytes": ("SPANMETER_QUEUE_BYTES",),
    "batch_spans": ("SPANMETER_BATCH_SPANS",),
    "batch_bytes": ("SPANMETER_BATCH_BYTES",),
    "compression": ("SPANMETER_COMPRESSION",),
    "spool_directory": ("SPANMETER_OFFLINE_DIR",),
    "spool_bytes": ("SPANMETER_OFFLINE_BYTES",),
}


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings; `given` holds what was passed as arguments, None meaning that it was not."""
    unknown = set(given) - {field.name for field in fields(Settings)}
    if unknown:
        raise SettingError(f"configure() knows no {', '.join(sorted(map(repr, unknown)))}")
    values: dict[str, Any] = {}
    for field in fields(Settings):
        name, value = field.name, given.get(field.name)
        if value is None:
            said = next(((key, environment[key]) for key in VARIABLES[name] if _said(environment, key)), None)
            if said is None:
                continue
            name_shown, value = said
        else:
            name_shown = f"configure({name}=…)"
        values[name] = _converted(name_shown, value, field.default)
    if "spool_directory" not in values:
        values["spool_directory"] = default_spool(environment)
    return Settings(**_address(values))


def _said(environment: Mapping[str, str], key: str) -> bool:
    # The server calls its own signing secret SPANMETER_SECRET_KEY as well; only a project's key looks like one.
    return bool(environment.get(key)) and (key != "SPANMETER_SECRET_KEY" or environment[key].startswith("sm-sk-"))


def default_spool(environment: Mapping[str, str]) -> Path | None:
    """Return where bodies wait for the network: the user's state directory, or nowhere when there is none."""
    state = environment.get("XDG_STATE_HOME") or environment.get("LOCALAPPDATA")
    if state:
        return Path(state) / "spanmeter" / "offline"
    home = environment.get("HOME") or environment.get("USERPROFILE")
    return Path(home) / ".local" / "state" / "spanmeter" / "offline" if home else None


def _converted(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        return _flag(name, value)
    if isinstance(default, int | float):
        return _number(name, value, default)
    if isinstance(default, str):
        return str(value).strip()
    return None if str(value).strip().lower() in {"off", "none"} else Path(value).expanduser()


def _flag(name: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        raise SettingError(f"{name} is {value!r}: say on or off")
    return word in _YES


def _number(name: str, value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SettingError(f"{name} is {value!r}: expected a number") from None
    if not math.isfinite(number) or number < 0 or (number == 0 and isinstance(default, int)):
        raise SettingError(f"{name} is {value!r}: expected a number above 0")
    return int(number) if isinstance(default, int) else number


def _address(values: dict[str, Any]) -> dict[str, Any]:
    """Check the address. The base URL that `make up` prints carries the key in its path: that form is read as well."""
    url = values.get("base_url")
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingError(
                f"the base URL is {url!r}: expected the gateway's address, for example http://127.0.0.1:8100"
            )
        path = parts.path
        if path.startswith("/k/"):
            key = path.split("/")[2]
            values.setdefault("api_key", key)
            path = ""
        values["base_url"] = f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"
    if not 0 <= values.get("sample_rate", 1.0) <= 1:
        raise SettingError(f"the sample rate is {values['sample_rate']!r}: expected a share from 0 to 1")
    key = values.get("api_key", "")
    if any(not "!" <= character <= "~" for character in key):
        raise SettingError("the API key holds a character that no key has: copy it again from the project's Keys page")
    return values
