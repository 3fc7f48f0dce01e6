"""One store for the tests that only use it; those that kill it start their own."""

from collections.abc import Iterator

import pytest

from ingestion.store.client import Store
from tests.store.serving import Served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running store."""
    running = Served(tmp_path_factory.mktemp("store"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def store(served: Served) -> Iterator[Store]:
    """A client of it."""
    with served.connect() as client:
        yield client
