"""Every SPANMETER_* setting that the gateway, ingest and the store read, as frozen values, each read once at start.

Reading is pure (the environment is passed in) and fails loudly with the variable's name, the value found and what
would be right. Any variable may come from a file instead: `NAME_FILE=/run/secrets/x`. Opens no connection.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = [
    "Environment",
    "GatewaySettings",
    "IngestSettings",
    "SettingsError",
    "StoreSettings",
    "home_from",
    "secrets_from",
]


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names it, shows the value and says what is accepted."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Typed reading of environment variables."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """Return the variable, or the content of the file that NAME_FILE points to, or the default."""
        value = self.values.get(name, "")
        path = self.values.get(f"{name}_FILE", "")
        if not value and path:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"{name}_FILE={path}: cannot be read ({error.strerror}); point it to a readable file or set {name}"
                ) from error
        return value or default

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**62) -> int:
        """Return a whole number within bounds."""
        raw = self.text(name)
        if not raw:
            return default
        try:
            number = int(raw.replace("_", ""))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise SettingsError(f"{name}={raw!r}: expected a whole number from {least} to {most}")
        return number

    def seconds(self, name: str, default: float, *, least: float = 0.0) -> float:
        """Return a duration in seconds."""
        raw = self.text(name)
        if not raw:
            return default
        try:
            number = float(raw)
        except ValueError:
            number = float("nan")
        if not least <= number < float("inf"):
            raise SettingsError(f"{name}={raw!r}: expected a number of seconds, at least {least}")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no."""
        raw = self.text(name).lower()
        if not raw:
            return default
        if raw in {"1", "true", "yes", "on"}:
            return True
        if raw in {"0", "false", "no", "off"}:
            return False
        raise SettingsError(f"{name}={raw!r}: expected one of 1, true, yes, on, 0, false, no, off")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of a closed set of words."""
        raw = self.text(name, default).lower()
        if raw not in allowed:
            raise SettingsError(f"{name}={raw!r}: expected one of {', '.join(allowed)}")
        return raw


def home_from(environment: Environment) -> Path:
    """Return $SPANMETER_HOME (default ./.spanmeter), absolute. Everything that is written lies below it."""
    return Path(environment.text("SPANMETER_HOME", ".spanmeter")).absolute()


def secrets_from(home: Path) -> dict[str, str]:
    """Return the generated secrets of this installation ({} before the first start)."""
    try:
        content = json.loads((home / "secrets.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{home / 'secrets.json'}: cannot be read ({error}); restore it or remove it to make new secrets"
        ) from error
    return {str(key): str(value) for key, value in content.items()}


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where ClickHouse is. `embedded` means that we serve it ourselves, on loopback."""

    home: Path
    url: str
    embedded: bool
    port: int
    password: str
    memory_bytes: int
    cluster: str

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> "StoreSettings":
        """Read SPANMETER_CLICKHOUSE_URL, _STORE_PORT, _STORE_PASSWORD, _STORE_MEMORY (bytes), _CLICKHOUSE_CLUSTER."""
        environment = Environment(os.environ if values is None else values)
        home = home_from(environment)
        port = environment.integer("SPANMETER_STORE_PORT", 9000, least=1, most=65535)
        password = environment.text("SPANMETER_STORE_PASSWORD") or secrets_from(home).get("store_password", "")
        url = environment.text("SPANMETER_CLICKHOUSE_URL")
        return cls(
            home=home,
            url=url or f"clickhouse://spanmeter:{password}@127.0.0.1:{port}/default",
            embedded=not url,
            port=port,
            password=password,
            memory_bytes=environment.integer("SPANMETER_STORE_MEMORY", 2_000_000_000, least=300_000_000),
            cluster=environment.text("SPANMETER_CLICKHOUSE_CLUSTER"),
        )


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """All that the gateway needs to know before its first connection. Sizes in bytes, times in seconds."""

    home: Path
    host: str
    port: int
    workers: int  # 0: as many as fit the cores
    otlp_grpc_port: int  # 0: not served
    otlp_grpc_asked: bool  # the port was chosen: not to have it is an error
    database_url: str
    upstreams: dict[str, str]
    allowed_hosts: tuple[str, ...]
    capture_bytes: int
    body_bytes: int
    header_bytes: int
    decompressed_bytes: int
    decompression_ratio: int
    connect_timeout: float
    idle_timeout: float
    request_timeout: float
    spool_bytes: int
    segment_bytes: int
    fsync: Literal["off", "interval", "always"]
    fsync_interval: float
    spool_full: Literal["pass", "refuse"]
    key_refresh: float
    public_url: str

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> "GatewaySettings":
        """Read the gateway's settings; docs/settings.md lists each with its default and meaning."""
        source = os.environ if values is None else values
        environment = Environment(source)
        home = home_from(environment)
        prefix = "SPANMETER_UPSTREAM_"
        upstreams = {
            name[len(prefix) :].lower(): value.rstrip("/")
            for name, value in source.items()
            if name.startswith(prefix) and value
        }
        for name, value in upstreams.items():
            if not value.startswith(("http://", "https://")):
                raise SettingsError(
                    f"{prefix}{name.upper()}={value!r}: expected an origin such as https://llm.example.com"
                )
        hosts = environment.text("SPANMETER_ALLOWED_TARGETS")
        return cls(
            home=home,
            host=environment.text("SPANMETER_GATEWAY_HOST", "127.0.0.1"),
            port=environment.integer("SPANMETER_GATEWAY_PORT", 8100, most=65535),
            workers=environment.integer("SPANMETER_GATEWAY_WORKERS", 0, most=64),
            otlp_grpc_port=environment.integer("SPANMETER_OTLP_GRPC_PORT", 4317, most=65535),
            otlp_grpc_asked=bool(environment.text("SPANMETER_OTLP_GRPC_PORT")),
            database_url=environment.text("SPANMETER_DATABASE_URL", f"sqlite:///{home / 'app.sqlite3'}"),
            upstreams=upstreams,
            allowed_hosts=tuple(part.strip().lower() for part in hosts.split(",") if part.strip()),
            capture_bytes=environment.integer("SPANMETER_CAPTURE_BYTES", 4 * 1024 * 1024),
            body_bytes=environment.integer("SPANMETER_MAX_OTLP_BYTES", 20 * 1024 * 1024, least=1024),
            header_bytes=environment.integer("SPANMETER_MAX_HEADER_BYTES", 64 * 1024, least=1024),
            decompressed_bytes=environment.integer("SPANMETER_MAX_DECOMPRESSED_BYTES", 64 * 1024 * 1024, least=1024),
            decompression_ratio=environment.integer("SPANMETER_MAX_DECOMPRESSION_RATIO", 200, least=2),
            connect_timeout=environment.seconds("SPANMETER_CONNECT_TIMEOUT", 10.0),
            idle_timeout=environment.seconds("SPANMETER_IDLE_TIMEOUT", 600.0),
            request_timeout=environment.seconds("SPANMETER_REQUEST_TIMEOUT", 3600.0),
            spool_bytes=environment.integer("SPANMETER_SPOOL_BYTES", 8 * 1024**3, least=1024 * 1024),
            segment_bytes=environment.integer("SPANMETER_SEGMENT_BYTES", 64 * 1024**2, least=4096),
            fsync=environment.choice("SPANMETER_SPOOL_FSYNC", "interval", ("off", "interval", "always")),  # type: ignore[arg-type]
            fsync_interval=environment.seconds("SPANMETER_SPOOL_FSYNC_INTERVAL", 1.0, least=0.01),
            spool_full=environment.choice("SPANMETER_SPOOL_FULL", "pass", ("pass", "refuse")),  # type: ignore[arg-type]
            key_refresh=environment.seconds("SPANMETER_KEY_REFRESH", 2.0, least=0.1),
            public_url=environment.text("SPANMETER_GATEWAY_URL"),
        )


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """What the ingest process needs. Sizes in bytes, times in seconds."""

    home: Path
    batch_bytes: int
    batch_records: int
    poll: float
    redact: tuple[str, ...]
    metrics_port: int
    store: StoreSettings

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> "IngestSettings":
        """Read the ingest process's settings."""
        environment = Environment(os.environ if values is None else values)
        redact = environment.text("SPANMETER_REDACT")
        return cls(
            home=home_from(environment),
            batch_bytes=environment.integer("SPANMETER_BATCH_BYTES", 64 * 1024**2, least=64 * 1024),
            batch_records=environment.integer("SPANMETER_BATCH_RECORDS", 20_000, least=1),
            poll=environment.seconds("SPANMETER_INGEST_POLL", 0.2, least=0.01),
            redact=tuple(part.strip() for part in re.split(r",(?![^{}]*\})", redact) if part.strip()),
            metrics_port=environment.integer("SPANMETER_INGEST_METRICS_PORT", 0, most=65535),
            store=StoreSettings.read(values),
        )
