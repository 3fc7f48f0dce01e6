"""Parameters become queries, or errors that name the bad one. No store."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from apps.analytics.cursor import cursor_pack, cursor_unpack
from apps.analytics.parse import QueryError, page_from, query_from
from apps.analytics.query import Field, Filter, Order, Page, Query, TextMode, TimeRange

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def read(text: str) -> Query:
    """The query of a query string."""
    return query_from(QueryDict(text), project_id=7, now=NOW)


def test_nothing_asked_is_the_last_day() -> None:
    assert read("") == Query(project_id=7, range=TimeRange(NOW - timedelta(days=1), NOW))


def test_everything_asked() -> None:
    found = read(
        "range=2w&tz=Asia/Kolkata&q=+refund+&text_mode=words&model=a&model=b&user-not=u"
        "&metrics=cost,requests&by=model,time&order_by=requests&order=asc&limit=7"
    )
    assert found == Query(
        project_id=7,
        range=TimeRange(NOW - timedelta(weeks=2), NOW),
        filters=(Filter(Field.MODEL, ("a", "b")), Filter(Field.USER, ("u",), negated=True)),
        text="refund",
        text_mode=TextMode.WORDS,
        time_zone="Asia/Kolkata",
        metrics=("cost", "requests"),
        dimensions=("model", "time"),
        order_by="requests",
        order=Order.ASCENDING,
        limit=7,
    )


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("from=2026-05-01T00:00:00Z&to=2026-05-02T00:00:00Z", (2026, 5, 1, 0, 0), (2026, 5, 2, 0, 0)),
        ("from=2026-05-01&to=2026-05-02&tz=Asia/Kolkata", (2026, 4, 30, 18, 30), (2026, 5, 1, 18, 30)),
        ("from=2026-05-01T05:30:00%2B05:30&to=1777680000", (2026, 5, 1, 0, 0), (2026, 5, 2, 0, 0)),
        ("from=2026-05-20T11:00:00Z", (2026, 5, 20, 11, 0), (2026, 5, 20, 12, 0)),
        ("to=2026-05-10T00:00:00Z", (2026, 5, 9, 0, 0), (2026, 5, 10, 0, 0)),
    ],
)
def test_times_are_read_in_every_usual_form(text: str, start: tuple[int, ...], end: tuple[int, ...]) -> None:
    found = read(text).range
    assert (found.start, found.end) == (datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("range=1", "range"),
        ("range=0h", "range"),
        ("range=99999w", "range"),
        ("range=1h&from=2026-05-01", "range"),
        ("from=1e99", "from"),
        ("from=0001-01-01", "from"),
        ("to=9999-12-31", "to"),
        ("from=2000-01-01", "from"),
        ("tz=", None),
        ("tz=x" + "y" * 500, "tz"),
        ("text_mode=fuzzy", "text_mode"),
        ("model=" + "x" * 2000, "model"),
        ("&".join(f"tag={number}" for number in range(60)), "tag"),
        ("order_by=cost", "order_by"),
        ("limit=-1", "limit"),
        ("limit=٣", "limit"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, field: str | None) -> None:
    if field is None:
        read(text)
        return
    with pytest.raises(QueryError) as caught:
        read(text)
    assert caught.value.field == field
    assert caught.value.hint
    assert len(caught.value.message) < 200


def test_a_page() -> None:
    assert page_from(QueryDict("limit=5&cursor=abc")) == Page(5, "abc")


@pytest.mark.parametrize("cursor", ["", "!", "é", "bm9uc2Vuc2U", cursor_pack("other", 1), cursor_pack("spans", "1", 2)])
def test_a_cursor_that_is_not_ours_is_the_callers_fault(cursor: str) -> None:
    assert cursor_unpack("spans", cursor_pack("spans", 1, "é"), int, str) == (1, "é")
    with pytest.raises(QueryError):
        cursor_unpack("spans", cursor, int, str)
