"""A Ledger and its drops → what the page shows. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict

from apps.analytics.ledger import DropPage, Ledger, LedgerDay
from apps.analytics.query import TimeRange
from apps.ledger.contexts import DropLine, LedgerContext, ReasonLine, Term
from apps.ledger.reasons import reason_of
from apps.ui.charts import Chart, Series, Unit, timeseries
from apps.ui.links import Choice, changed
from apps.ui.range_picker import RangePicker

__all__ = ["broken_ledger_page", "ledger_page"]

_MOST_DAYS = 120


def ledger_page(
    ledger: Ledger,
    drops: DropPage,
    *,
    time_range: TimeRange,
    parameters: QueryDict,
    picker: RangePicker,
    now: datetime,
    spool_known: bool,
) -> LedgerContext:
    """Return the page."""
    reason = parameters.get("reason", "")
    return LedgerContext(
        picker=picker,
        now=now,
        accepted=ledger.accepted,
        terms=(
            Term("", "written", ledger.written, "ok", "Rows in the store whose batch is whole"),
            Term("+", "spooled", ledger.spooled, "info" if ledger.spooled else "", "On disk, on the way to the store"),
            Term("+", "dropped", ledger.dropped, "warn" if ledger.dropped else "", "Not stored, each with its reason"),
            Term("+", "expired", ledger.expired, "", "Removed by the project's retention"),
        ),
        difference=ledger.difference,
        balanced=ledger.balanced,
        is_empty=not (ledger.accepted or ledger.written or ledger.dropped or ledger.expired),
        lag=ledger.lag,
        in_flight=ledger.in_flight,
        spooled_bytes=ledger.spooled_bytes,
        newest_received=ledger.newest_received,
        newest_written=ledger.newest_written,
        spool_known=spool_known,
        chart=_chart(ledger, time_range, picker.zone),
        reasons=tuple(_reason(count.reason, count.records, parameters, reason) for count in ledger.drops),
        drops=tuple(
            DropLine(
                received_at=row.received_at,
                reason=reason_of(row.reason).title,
                tone=_badge(row.reason),
                signal=row.signal,
                records=row.records,
                detail=row.detail,
                position=row.position,
                sample=row.sample,
            )
            for row in drops.rows
        ),
        drop_choices=(
            Choice("All reasons", changed(parameters, {"reason": None}), current=not reason),
            *(
                Choice(
                    reason_of(count.reason).title,
                    changed(parameters, {"reason": count.reason}),
                    current=reason == count.reason,
                )
                for count in ledger.drops
            ),
        ),
        next_href=changed(parameters, {"cursor": drops.next}, keep_cursor=True) if drops.next else "",
        first_href=changed(parameters, {}) if parameters.get("cursor") else "",
        problem_message="",
        problem_hint="",
    )


def broken_ledger_page(message: str, hint: str, *, picker: RangePicker, now: datetime) -> LedgerContext:
    """Return the page that says which parameter is wrong."""
    return LedgerContext(
        picker=picker,
        now=now,
        accepted=0,
        terms=(),
        difference=0,
        balanced=True,
        is_empty=True,
        lag=0.0,
        in_flight=0,
        spooled_bytes=0,
        newest_received=None,
        newest_written=None,
        spool_known=True,
        chart=None,
        reasons=(),
        drops=(),
        drop_choices=(),
        next_href="",
        first_href="",
        problem_message=message,
        problem_hint=hint,
    )


def _badge(reason: str) -> str:
    tone = reason_of(reason).tone
    return "" if tone == "quiet" else tone


def _reason(name: str, records: int, parameters: QueryDict, chosen: str) -> ReasonLine:
    reason = reason_of(name)
    return ReasonLine(
        name=name,
        title=reason.title,
        records=records,
        meaning=reason.meaning,
        way_out=reason.way_out,
        tone=_badge(name),
        href=changed(parameters, {"reason": name}),
        current=name == chosen,
    )


def _days(ledger: Ledger, first: date, last: date) -> list[LedgerDay]:
    """Every day of the range, also those on which nothing came; a long range begins with its first record."""
    known = {day.day: day for day in ledger.days}
    if (last - first).days > _MOST_DAYS:
        first = max(min(known, default=last), last - timedelta(days=_MOST_DAYS))
    span = (last - first).days + 1
    days = (first + timedelta(days=number) for number in range(span))
    return [known.get(day) or LedgerDay(day, 0, 0, 0, 0) for day in days]


def _chart(ledger: Ledger, time_range: TimeRange, zone: str) -> Chart | None:
    if not ledger.days:
        return None
    local = ZoneInfo(zone)
    days = _days(ledger, time_range.start.astimezone(local).date(), time_range.end.astimezone(local).date())
    return timeseries(
        chart_id="chart-ledger",
        title="By day",
        help_text="records, by the day they were received",
        starts=[datetime.combine(day.day, time(), UTC) for day in days],
        width_seconds=86_400,
        series=(
            Series(name="Written", values=tuple(day.written for day in days), ink="series-4"),
            Series(name="Dropped", values=tuple(day.dropped for day in days), ink="chart-error"),
            Series(name="Expired", values=tuple(day.expired for day in days), ink="series-8"),
            Series(name="Accepted", values=tuple(day.accepted for day in days), ink="series-1", drawn=False),
        ),
        unit=Unit.COUNT,
        empty="Nothing was accepted in this range.",
    )
