"""The one SELECT, on both databases."""

import os
from datetime import UTC, datetime

import psycopg
import pytest

from proxy.keys_source import KeysUnreadable, read_database, read_snapshot, write_snapshot
from tests.postgresql import postgresql_url
from tests.proxy.harness import PROJECT, make_database


def test_sqlite_is_opened_for_reading_only(tmp_path):
    make_database(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    keys = read_database(f"sqlite:///{tmp_path}/app.sqlite3")
    assert [key.project_id for key in keys].count(PROJECT) == 2, "the revoked one is not there"
    assert [key.expires for key in keys if key.expires] == [datetime(2026, 1, 1, 0, 0, 0, 123456, UTC).timestamp()]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/app.sqlite3", "unable to open"),
        ("mysql://root:pw@host/x", "postgres://"),
        ("postgres://user:topsecret@127.0.0.1:1/x", "127.0.0.1"),
    ],
)
def test_what_cannot_be_read_says_why_without_credentials(url, said):
    with pytest.raises(KeysUnreadable, match=said) as failed:
        read_database(url)
    assert "topsecret" not in str(failed.value)
    assert "pw" not in str(failed.value)


def test_a_database_without_the_table(tmp_path):
    (tmp_path / "app.sqlite3").touch()
    with pytest.raises(KeysUnreadable, match="accounts_apikey"):
        read_database(f"sqlite:///{tmp_path}/app.sqlite3")


def test_the_snapshot(tmp_path):
    make_database(tmp_path)
    keys = read_database(f"sqlite:///{tmp_path}/app.sqlite3")
    path = tmp_path / "gateway" / "keys.json"
    write_snapshot(path, keys)
    assert read_snapshot(path) == keys
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]
    path.write_text("[[1]]")
    with pytest.raises(KeysUnreadable):
        read_snapshot(path)


@pytest.mark.postgres
def test_postgresql():
    url = postgresql_url()
    schema = f"gateway_keys_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            connection.execute(
                f"CREATE TABLE {schema}.accounts_apikey (id bigint, project_id bigint, public_key text,"
                " secret_hash text, revoked_at timestamptz, expires_at timestamptz)"
            )
            connection.execute(
                f"INSERT INTO {schema}.accounts_apikey VALUES (1, 5, 'p', 'h1', NULL, '2027-01-01T00:00Z'),"
                " (2, 5, 'p', 'h2', now(), NULL), (3, 6, 'q', 'h3', NULL, NULL)"
            )
            separator = "&" if "?" in url else "?"
            keys = read_database(f"{url}{separator}options=-csearch_path%3D{schema}")
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
    assert [(key.id, key.project_id, key.secret_hash) for key in keys] == [(1, 5, "h1"), (3, 6, "h3")]
    assert keys[0].expires == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
