"""Alice's project, watched at noon."""

import pytest

from apps.analytics.run import Reads
from ingestion.store.client import Store
from tests.apps.alerts.watching import Watching
from tests.conftest import People
from tests.rows import Bench


@pytest.fixture
def bench(rows: Bench) -> Bench:
    """Alice's project, which the rules watch."""
    return rows


@pytest.fixture
def watching(store: Store, people: People) -> Watching:
    """Alice's project, at noon."""
    return Watching(people.project, Reads(store.reader))
