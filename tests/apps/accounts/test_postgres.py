"""All of tests/apps/accounts once more on PostgreSQL, and the first start as a process."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import ROOT, assert_the_same_on_postgresql, environment

pytestmark = pytest.mark.postgres


def test_accounts_behave_the_same_on_postgresql(database_url: str, tmp_path: Path) -> None:
    assert_the_same_on_postgresql(database_url, tmp_path, "tests/apps/accounts")


def test_the_first_start_as_a_process(database_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = []
    for _ in range(2):
        command = [sys.executable, "manage.py", "bootstrap"]
        subprocess.run(
            command, cwd=ROOT, env=environment(database_url, home), check=True, capture_output=True, timeout=120
        )
        said.append(json.loads((home / "bootstrap.json").read_text()))
    assert said[0] == said[1]
    with psycopg.connect(database_url) as database:
        rows = database.execute("SELECT project_id, public_key, revoked_at FROM accounts_apikey").fetchall()
    assert rows == [(int(said[0]["project_id"]), said[0]["public_key"], None)]
