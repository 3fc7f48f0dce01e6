"""Sessions or users → a list that leads to their traces. Pure."""

from datetime import datetime

from django.http import QueryDict

from apps.analytics.people import PeoplePage, PeopleRow
from apps.traces.contexts import PeopleContext, PersonLine, Problem
from apps.ui.links import changed
from apps.ui.range_picker import RangePicker

__all__ = ["broken_people_page", "people_page"]

_RANGE = ("range", "from", "to", "tz")


def people_page(
    page: PeoplePage, *, what: str, parameters: QueryDict, picker: RangePicker, now: datetime, list_path: str
) -> PeopleContext:
    """`what` is session or user: also the name of the filter that leads to the traces."""
    kept = QueryDict(mutable=True)
    for name in _RANGE:
        if value := parameters.get(name):
            kept[name] = value
    return PeopleContext(
        what=what,
        picker=picker,
        lines=tuple(_line(row, what=what, href=changed(kept, {what: row.id}, path=list_path)) for row in page.rows),
        now=now,
        next_href=changed(parameters, {"cursor": page.next}, keep_cursor=True) if page.next else "",
        first_href=changed(parameters, {}) if parameters.get("cursor") else "",
        problem=None,
    )


def broken_people_page(problem: Problem, *, what: str, picker: RangePicker, now: datetime) -> PeopleContext:
    """Return the page that says which parameter is wrong."""
    return PeopleContext(what=what, picker=picker, lines=(), now=now, next_href="", first_href="", problem=problem)


def _line(row: PeopleRow, *, what: str, href: str) -> PersonLine:
    return PersonLine(
        id=row.id,
        href=href,
        others=row.users if what == "session" else row.sessions,
        traces=row.traces,
        calls=row.calls,
        errors=row.errors,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost=row.cost,
        unpriced=row.unpriced,
        first=row.first,
        last=row.last,
        lasted=(row.last - row.first).total_seconds(),
    )
