"""The ledger says whether it balances, in numbers, and explains every reason."""

from dataclasses import replace
from datetime import timedelta

from django.http import QueryDict

from apps.analytics.query import TimeRange
from apps.ledger.ledger_page import ledger_page
from apps.ledger.reasons import REASONS, reason_of
from apps.ui.range_picker import range_picker
from ingestion.drops import DropReason
from tests.browser.sample import NOW, drops_of, ledger_of

WEEK = TimeRange(NOW - timedelta(days=7), NOW)


def test_every_reason_is_explained_with_a_way_out() -> None:
    assert set(REASONS) == set(DropReason)
    assert all(reason.meaning.endswith(".") and reason.way_out.endswith(".") for reason in REASONS.values())


def test_a_reason_from_a_newer_version_has_its_name() -> None:
    assert reason_of("eaten_by_moths").title == "eaten by moths"


def test_the_equation_is_what_the_ledger_says() -> None:
    for size in ("none", "little", "much", "broken"):
        ledger = ledger_of(size)
        page = ledger_page(
            ledger,
            drops_of(size),
            time_range=WEEK,
            parameters=QueryDict(),
            picker=range_picker(QueryDict(), None),
            now=NOW,
            spool_known=True,
        )
        assert page.accepted - sum(term.number for term in page.terms) == page.difference
        assert page.balanced == (page.difference == 0) == (size != "broken")
        assert sum(line.records for line in page.reasons) == ledger.dropped


def test_days_without_a_record_are_drawn_as_nothing() -> None:
    ledger = replace(ledger_of("much"), days=ledger_of("much").days[-1:])
    page = ledger_page(
        ledger,
        drops_of("much"),
        time_range=WEEK,
        parameters=QueryDict(),
        picker=range_picker(QueryDict(), WEEK),
        now=NOW,
        spool_known=True,
    )
    assert page.chart is not None
    assert [row[1] for row in page.chart.rows] == [*["0"] * 7, "82.0k"]
