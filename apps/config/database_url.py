"""SPANMETER_DATABASE_URL → Django's DATABASES entry. Pure: never opens a connection, never reads the environment."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ingestion.settings import SettingsError

__all__ = ["database_from_url"]

# WAL lets readers go on while one process writes; NORMAL keeps every committed row through a crash of ours (not of
# the kernel).
_CONNECTION_SECONDS = 60
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
    "PRAGMA mmap_size=67108864; PRAGMA cache_size=-4000"
)


def database_from_url(url: str) -> dict[str, Any]:
    """Return the settings of the one database, or say which part of the URL is wrong."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(url, unquote(parts.path))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    raise SettingsError(
        f"SPANMETER_DATABASE_URL: unknown scheme {parts.scheme!r}; expected sqlite:///path/to/file or "
        "postgres://user:password@host:5432/name"
    )


def _sqlite(url: str, path: str) -> dict[str, Any]:
    name = path[1:]  # sqlite:////var/app.sqlite3 is absolute, sqlite:///app.sqlite3 is not
    if not name.strip("/"):
        raise SettingsError(f"SPANMETER_DATABASE_URL={url!r}: names no file; expected sqlite:///path/to/file")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(name).absolute()),
        "CONN_MAX_AGE": _CONNECTION_SECONDS,  # opening the file and its journal anew for each page takes 5 to 10 ms
        "OPTIONS": {
            "init_command": _SQLITE_PRAGMAS,
            "transaction_mode": "IMMEDIATE",  # a deferred one that turns writer fails at once instead of waiting
            "timeout": 20,
        },
    }


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port or 5432
    except ValueError as error:
        raise SettingsError(f"SPANMETER_DATABASE_URL: {error}; expected a port from 1 to 65535") from error
    if not name:
        raise SettingsError(
            "SPANMETER_DATABASE_URL: names no database; expected postgres://user:password@host:5432/name"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port,
        "OPTIONS": {"connect_timeout": "5", **dict(parse_qsl(parts.query))},
        "CONN_MAX_AGE": _CONNECTION_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }
