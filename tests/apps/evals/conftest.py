"""A desk in Alice's project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.analytics.run import Reads
from ingestion.scores import inbox
from ingestion.scores.inbox import ScoreInbox
from ingestion.store.client import Store
from tests.apps.evals.judging import Desk, asking_evaluator
from tests.conftest import People
from tests.ingestion.world import World


@pytest.fixture
def desk(store: Store, people: People, tmp_path: Path) -> Iterator[Desk]:
    """Spans go in, scores come out."""
    box = ScoreInbox(tmp_path / "spool", total_bytes=1 << 24, segment_bytes=1 << 20, sync=False)
    inbox.install(lambda: box)
    with asking_evaluator():
        yield Desk(people.project, Reads(store.reader), World(tmp_path, store, people.project.pk), box)
    box.close()
