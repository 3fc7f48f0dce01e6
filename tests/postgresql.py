"""Where a PostgreSQL server for the tests is, or a skip that says why there is none; and tests once more on it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

__all__ = ["ROOT", "assert_the_same_on_postgresql", "environment", "fresh_database", "postgresql_url"]

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = "postgres://postgres:postgres@127.0.0.1:5432/postgres"


def postgresql_url() -> str:
    """Return SPANMETER_TEST_DATABASE_URL, or a server on this machine that lets `postgres` in; skip without one."""
    url = os.environ.get("SPANMETER_TEST_DATABASE_URL") or DEFAULT
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL: {str(error).strip().splitlines()[0]}")
    return url


@contextmanager
def fresh_database() -> Iterator[str]:
    """A database of our own, dropped afterwards."""
    url = postgresql_url()
    name = f"spanmeter_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        server.execute(f'DROP DATABASE IF EXISTS "test_{name}" WITH (FORCE)')
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def environment(database_url: str, home: Path) -> dict[str, str]:
    """Our variables, this database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPANMETER_")}
    return kept | {"SPANMETER_DATABASE_URL": database_url, "SPANMETER_HOME": str(home)}


def assert_the_same_on_postgresql(database_url: str, home: Path, *tests: str) -> None:
    """These tests pass once more on that database."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not postgres", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, env=environment(database_url, home), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
