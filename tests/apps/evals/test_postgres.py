"""Rules and back-fills once more on PostgreSQL."""

from pathlib import Path

import pytest

from tests.postgresql import assert_the_same_on_postgresql

pytestmark = pytest.mark.postgres
FILES = ("test_evaluate.py", "test_kill.py", "test_backfill.py")


def test_evaluations_behave_the_same_on_postgresql(database_url: str, tmp_path: Path) -> None:
    assert_the_same_on_postgresql(database_url, tmp_path, *(f"tests/apps/evals/{name}" for name in FILES))
