"""A deleted project leaves nothing behind in the store, late records included, and nobody else loses a row."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from apps.accounts import services
from apps.accounts.deletions import deletions_claim, deletions_note
from apps.accounts.models import Deletion
from apps.config import jobs
from ingestion.records import GpuSample
from ingestion.store.client import Store
from ingestion.store.dialect import Dialect
from ingestion.store.erasure import TABLES
from ingestion.store.retention import expire
from ingestion.store.writer import BatchWriter, IntakeHash
from tests.conftest import People
from tests.own_database import own_database
from tests.rows import Bench, call_at, drop_at, nanoseconds, score_at

HOUR = timedelta(hours=1)


@pytest.fixture
def store(store: Store) -> Iterator[Store]:
    """Where a mutation has little to rewrite."""
    with own_database(store) as own:
        yield own


@pytest.fixture
def worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's jobs find the test's store."""
    at = store.address
    url = f"clickhouse://{at.user}:{quote(at.password)}@{at.host}:{at.port}/{at.database}"
    monkeypatch.setenv("SPANMETER_CLICKHOUSE_URL", url)


def fill(store: Store, project_id: int, now: datetime) -> Bench:
    """Put at least one row of the project into every table."""
    bench = Bench(store, project_id)
    bench.spans(call_at(now - 100 * HOUR), call_at(now))
    bench.scores(score_at(now))
    bench.drops(drop_at(now))
    at = nanoseconds(now)
    sample = GpuSample(project_id=project_id, metric="m", host="h", device="0", time_ns=at, value=1.0, received_ns=at)
    writer = BatchWriter(store.writer)
    writer.insert_gpu_samples([sample, replace(sample, device="1")], batch_id=1, token=secrets.token_hex(8))
    remembered = IntakeHash(project_id=project_id, body_hash=secrets.token_bytes(16), position="p", received_ns=at)
    writer.insert_hashes([remembered], token=secrets.token_hex(8))
    expire(store.writer, Dialect(), project_id=project_id, before=now - 50 * HOUR)
    return bench


def rows(store: Store, project_id: int) -> dict[str, int]:
    """How many rows of the project each table has."""
    counted = {
        table: store.writer.rows(f"SELECT count() FROM {table} WHERE project_id = %(id)s", {"id": project_id})[0][0]
        for table in TABLES
    }
    return {table: int(count) for table, count in counted.items() if count}


def test_every_table_that_holds_rows_of_a_project_is_known(store: Store) -> None:
    found = store.writer.rows(
        "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'project_id' AND table IN "
        "(SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')"
    )
    assert sorted(TABLES) == sorted(table for (table,) in found)


@pytest.mark.usefixtures("worker")
def test_a_deleted_project_leaves_nothing_and_nobody_else_loses_a_row(store: Store, people: People) -> None:
    now = datetime.now(UTC)
    fill(store, people.project.pk, now)
    fill(store, people.other.pk, now)
    outsiders = rows(store, people.other.pk)
    project_id = people.project.pk
    assert set(rows(store, project_id)) == set(outsiders) == set(TABLES)
    secret = services.key_issue(project=people.project, name="k", created_by=None).secret
    assert jobs.erasure() == 0  # nothing was deleted yet
    services.project_delete(project=people.project)
    assert services.key_find(secret) is None
    assert jobs.erasure() > 0
    assert rows(store, project_id) == {}
    assert rows(store, people.other.pk) == outsiders


@pytest.mark.usefixtures("worker")
def test_what_ingest_writes_late_goes_too_however_late(store: Store, people: People) -> None:
    now = datetime.now(UTC)
    project_id = people.project.pk
    bench = fill(store, project_id, now)
    services.project_delete(project=people.project)
    jobs.erasure()
    bench.spans(call_at(now))  # the gateway had it before the key was gone
    assert jobs.erasure() == 0  # not yet its time
    for _ in range(3):
        Deletion.objects.update(look_at=now)  # a minute, then an hour, has passed
        jobs.erasure()
        assert rows(store, project_id) == {}
    deletion = Deletion.objects.get(project_id=project_id)
    assert deletion.emptied_at is not None
    assert deletion.look_at > now + HOUR / 2
    bench.spans(call_at(now))  # a spool that was away for weeks
    Deletion.objects.update(look_at=now)
    assert jobs.erasure() > 0
    assert rows(store, project_id) == {}
    deletion.refresh_from_db()
    assert deletion.emptied_at is None  # until it has been seen empty once more


@pytest.mark.usefixtures("worker")
def test_a_store_that_is_away_costs_a_delay_and_no_row_stays(
    store: Store, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    project_id = people.project.pk
    Bench(store, project_id).spans(call_at(now))
    services.project_delete(project=people.project)
    with monkeypatch.context() as away:
        away.setenv("SPANMETER_CLICKHOUSE_URL", "clickhouse://nobody@127.0.0.1:1/default")
        assert jobs.erasure() == 0
    assert rows(store, project_id) != {}
    Deletion.objects.update(look_at=now)  # the claim has run out
    assert jobs.erasure() > 0
    assert rows(store, project_id) == {}


def test_a_deletion_is_looked_after_again_and_again(people: People) -> None:
    project_id = people.project.pk
    services.project_delete(project=people.project)
    now = datetime.now(UTC) + timedelta(seconds=1)
    assert deletions_claim(now=now) == [project_id]
    assert deletions_claim(now=now) == []  # one worker at a time
    assert deletions_claim(now=now + HOUR) == [project_id]  # that one was killed
    deletions_note({project_id: 7}, now=now)
    assert deletions_claim(now=now + timedelta(minutes=1)) == [project_id]
    deletions_note({project_id: 0}, now=now)
    assert deletions_claim(now=now + timedelta(minutes=59)) == []
    assert deletions_claim(now=now + HOUR) == [project_id]
    assert Deletion.objects.get().removed == 7


def test_a_project_that_lives_again_under_its_old_id_keeps_its_rows(people: People) -> None:
    project_id = people.project.pk
    services.project_delete(project=people.project)
    services.project_create(organisation=people.acme, name="Back", project_id=project_id)
    assert deletions_claim(now=datetime.now(UTC) + HOUR) == []
