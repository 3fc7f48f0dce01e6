"""Retention removes what a project no longer keeps, and the ledger still balances, wherever it is cut off."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.retention import Retention, retentions
from apps.analytics.ledger import Ledger, ledger
from apps.analytics.query import Page, Query, TimeRange
from apps.analytics.run import Reads
from apps.analytics.spans import span_list
from apps.analytics.traces import trace_detail
from ingestion.store.client import Store, StoreUnavailable, Writer
from ingestion.store.dialect import Dialect
from ingestion.store.retention import expire
from tests.conftest import People
from tests.own_database import own_database
from tests.rows import Bench, call_at, drop_at

DAY = timedelta(days=1)


@pytest.fixture
def store(store: Store) -> Iterator[Store]:
    """Where a mutation has little to rewrite."""
    with own_database(store) as own:
        yield own


def balance(bench: Bench, now: datetime) -> Ledger:
    """The ledger of everything."""
    return ledger(Reads(bench.store.reader), bench.project_id, None, spooled=None, now=now)


def kept(bench: Bench, now: datetime) -> list[str]:
    """Ids of the spans that are there."""
    query = Query(project_id=bench.project_id, range=TimeRange(now - 1000 * DAY, now + DAY))
    return [row.span_id for row in span_list(Reads(bench.store.reader), query, Page(limit=200)).rows]


def test_old_spans_go_and_are_told_of(bench: Bench, now: datetime) -> None:
    old, young = call_at(now - 40 * DAY), call_at(now - 2 * DAY)
    bench.spans(old, young)
    bench.drops(drop_at(now - 40 * DAY))
    assert expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=now - 30 * DAY) == 1
    assert kept(bench, now) == [young.span_id]
    found = balance(bench, now)
    assert (found.accepted, found.written, found.expired, found.dropped, found.balanced) == (3, 1, 1, 1, True)
    assert trace_detail(Reads(bench.store.reader), bench.project_id, old.trace_id) is None
    assert expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=now - 30 * DAY) == 0


def test_a_latecomer_from_long_ago_expires_too_and_once(bench: Bench, now: datetime) -> None:
    bench.spans(call_at(now - 40 * DAY))
    expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=now - 30 * DAY)
    bench.spans(call_at(now - 50 * DAY))
    assert kept(bench, now) != []
    assert expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=now - 30 * DAY) == 1
    found = balance(bench, now)
    assert (found.written, found.expired, found.balanced) == (0, 2, True)


def test_another_project_keeps_its_rows(bench: Bench, now: datetime) -> None:
    other = Bench(bench.store, bench.project_id + 1)
    other.spans(call_at(now - 400 * DAY))
    expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=now)
    assert len(kept(other, now)) == 1


class CutOff:
    """A writer whose process dies at its `last` command."""

    def __init__(self, writer: Writer, *, last: int) -> None:
        self.writer, self.left = writer, last

    def rows(self, *arguments: Any, **more: Any) -> Any:
        return self.writer.rows(*arguments, **more)

    def command(self, *arguments: Any, **more: Any) -> None:
        if self.left == 0:
            raise StoreUnavailable("killed")
        self.left -= 1
        self.writer.command(*arguments, **more)


@pytest.mark.parametrize("last", [0, 1, 2])
@pytest.mark.parametrize("later", [0, 1])
def test_cut_off_anywhere_the_next_run_makes_it_right(bench: Bench, now: datetime, last: int, later: int) -> None:
    bench.spans(call_at(now - 40 * DAY), call_at(now - 35 * DAY), call_at(now))
    before = now - 30 * DAY
    dying = CutOff(bench.store.writer, last=last)
    with pytest.raises(StoreUnavailable):
        expire(dying, Dialect(), project_id=bench.project_id, before=before)  # type: ignore[arg-type]
    expire(bench.store.writer, Dialect(), project_id=bench.project_id, before=before + later * DAY)
    found = balance(bench, now)
    assert (found.accepted, found.written, found.expired, found.balanced) == (3, 1, 2, True)


def test_only_projects_with_a_bound_expire_and_whole_days(people: People, now: datetime) -> None:
    services.project_update(project=people.project, name="Assistant", retention_days=30)
    midnight = now.replace(hour=0)
    assert list(retentions(now=now)) == [Retention(people.project.pk, midnight - 30 * DAY)]
