"""Sessions and users: what each amounts to in a time range, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.query import Page, Query
from apps.analytics.run import Reads
from apps.analytics.spans import EPOCH
from apps.analytics.sql.people import PEOPLE_COLUMNS, Subject, people_statement
from apps.analytics.statement import micros

__all__ = ["PeoplePage", "PeopleRow", "session_list", "user_list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleRow:
    """One session, or one user. `users` and `sessions` count the other kind."""

    id: str
    first: datetime
    last: datetime
    traces: int
    spans: int
    calls: int
    errors: int
    users: int
    sessions: int
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    unpriced: int


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Last seen first."""

    rows: tuple[PeopleRow, ...]
    next: str | None


def session_list(reads: Reads, query: Query, page: Page) -> PeoplePage:
    """Sessions with a matching span in the range."""
    return _list(reads, query, page, subject=Subject.SESSION)


def user_list(reads: Reads, query: Query, page: Page) -> PeoplePage:
    """Users with a matching span in the range."""
    return _list(reads, query, page, subject=Subject.USER)


def _list(reads: Reads, query: Query, page: Page, *, subject: Subject) -> PeoplePage:
    before = None
    if page.cursor:
        at, name = cursor_unpack(subject.value, page.cursor, int, str)
        before = (EPOCH + timedelta(microseconds=at), name)
    found = reads.rows(people_statement(query, subject, limit=page.limit + 1, before=before))
    rows = tuple(_row(row) for row in found[: page.limit])
    more = len(found) > page.limit
    return PeoplePage(rows, cursor_pack(subject.value, micros(rows[-1].last), rows[-1].id) if more else None)


def _row(row: Sequence[Any]) -> PeopleRow:
    cells = dict(zip(PEOPLE_COLUMNS, row, strict=True))
    billable = cells.pop("billable")
    if billable and cells["unpriced"] == billable:
        cells["cost"] = None  # every price is missing: nothing is known
    return PeopleRow(**cells)
