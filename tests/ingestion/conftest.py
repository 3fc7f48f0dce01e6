"""Each test has an installation and a project of its own in the session's store."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.store.client import Store
from tests.ingestion.world import World


@pytest.fixture
def world(store: Store, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, store, secrets.randbelow(2**52) + 1)
    yield made
    for writer in made.writers:
        writer.close()
