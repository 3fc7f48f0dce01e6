"""Reading the keys: the gateway's one SELECT, and the snapshot file that stands in for it. Blocking; called in a
thread.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

__all__ = ["Key", "KeysUnreadable", "read_database", "read_snapshot", "write_snapshot"]

SELECT = "SELECT id, project_id, public_key, secret_hash, expires_at FROM accounts_apikey WHERE revoked_at IS NULL"


class KeysUnreadable(Exception):  # noqa: N818 - a state of the world, told in words
    """The keys cannot be read now; the message says from where and why, without credentials."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that lets a request in."""

    id: int
    project_id: int
    public_key: str
    secret_hash: str
    expires: float = 0.0  # Unix time; 0: never


def read_database(url: str) -> list[Key]:
    """Return all keys that are not revoked, from SQLite (opened read-only) or PostgreSQL."""
    scheme = urlsplit(url).scheme
    try:
        if scheme == "sqlite":
            return _keys(_sqlite(url))
        if scheme in {"postgres", "postgresql"}:
            with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
                return _keys(connection.execute(SELECT).fetchall())
    except (sqlite3.Error, psycopg.Error, OSError, ValueError, TypeError) as error:
        raise KeysUnreadable(f"{_shown(url)}: {type(error).__name__}: {str(error).strip()}") from error
    raise KeysUnreadable(f"SPANMETER_DATABASE_URL={_shown(url)}: expected sqlite:///… or postgres://…")


def _sqlite(url: str) -> list[tuple[Any, ...]]:
    path = unquote(urlsplit(url).path[1:]) or ":memory:"
    uri = Path(path).absolute().as_uri() + "?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=5)
    try:
        return connection.execute(SELECT).fetchall()
    finally:
        connection.close()


def _keys(rows: Iterable[tuple[Any, ...]]) -> list[Key]:
    return [
        Key(int(identity), int(project), str(public), str(secret_hash), _expiry(expires))
        for identity, project, public, secret_hash, expires in rows
    ]


def _expiry(value: Any) -> float:
    """Read a timestamp as SQLite (text in UTC) or PostgreSQL (datetime) gives it."""
    if not value:
        return 0.0
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def write_snapshot(path: Path, keys: list[Key]) -> None:
    """Keep the keys (hashes only) for a start without the database. Replaces the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    content = [[key.id, key.project_id, key.public_key, key.secret_hash, key.expires] for key in keys]
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
    draft.replace(path)


def read_snapshot(path: Path) -> list[Key]:
    """Return the keys of the last good read."""
    try:
        return [Key(*row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise KeysUnreadable(f"{path.name}: {error}") from error
