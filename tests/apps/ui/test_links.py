"""All state is in the address; a new condition starts at the first page."""

from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from apps.analytics.query import TimeRange
from apps.ui.links import changed, hidden_fields
from apps.ui.range_picker import range_picker, range_text


def test_a_change_keeps_the_rest_and_forgets_the_page() -> None:
    now = QueryDict("model=a&model=b&cursor=xyz&q=refund")
    assert changed(now, {"status": "error"}) == "?model=a&model=b&q=refund&status=error"
    assert changed(now, {"model": ["a"]}) == "?model=a&q=refund"
    assert changed(now, {"model": None, "q": None}, path="/p/x/traces/") == "/p/x/traces/"
    assert changed(now, {"live": "1"}, keep_cursor=True).endswith("cursor=xyz&q=refund&live=1")


def test_values_are_quoted() -> None:
    assert changed(QueryDict(), {"user": 'a&b="<x>"'}) == "?user=a%26b%3D%22%3Cx%3E%22"


def test_a_form_carries_what_it_does_not_change() -> None:
    fields = hidden_fields(QueryDict("range=7d&model=a&tag=x&tag=y&cursor=1"), without=("model",))
    assert [(field.name, field.value) for field in fields] == [("range", "7d"), ("tag", "x"), ("tag", "y")]


def test_the_picker_knows_what_is_in_force() -> None:
    end = datetime(2026, 11, 20, 12, tzinfo=UTC)
    picker = range_picker(QueryDict("range=7d&model=a"), TimeRange(end - timedelta(days=7), end))
    assert [choice.label for choice in picker.choices if choice.current] == ["7d"]
    assert picker.start == "2026-11-13T12:00"
    assert [field.name for field in picker.hidden] == ["model"]


def test_a_relative_range_of_ones_own_is_offered_too() -> None:
    end = datetime(2026, 11, 20, 12, tzinfo=UTC)
    picker = range_picker(QueryDict("range=90m"), TimeRange(end - timedelta(minutes=90), end))
    assert [choice.label for choice in picker.choices if choice.current] == ["90m"]


def test_a_custom_range_is_shown_in_the_zone() -> None:
    start = datetime(2026, 11, 20, 23, tzinfo=UTC)
    time_range = TimeRange(start, start + timedelta(hours=2))
    picker = range_picker(QueryDict("from=x&to=y"), time_range, zone="Asia/Kolkata")
    assert picker.custom
    assert not any(choice.current for choice in picker.choices)
    assert picker.start == "2026-11-21T04:30"
    assert range_text(time_range, zone="Asia/Kolkata") == "21 Nov 04:30 to 06:30 IST"
