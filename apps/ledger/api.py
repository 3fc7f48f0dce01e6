"""The JSON twins of the ledger page: the balance, and the single drops."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.analytics.ledger import DropRow, Ledger, drop_list
from apps.analytics.parse import QueryError, range_from, zone_from
from apps.analytics.query import Page, Query
from apps.api.json_values import as_json
from apps.api.parameters import PAGE, RANGE, parameter, read_schema
from apps.api.reading import ListPage, ListView, ReadView
from apps.api.scope import project_of
from apps.api.shapes import page_shape, shape_of
from apps.ledger.balance import ledger_now
from ingestion.drops import DropReason

__all__ = ["DropListView", "LedgerView"]

_REASONS = [reason.value for reason in DropReason]
_BALANCE = type(
    "LedgerBalance",
    (shape_of(Ledger, also=(("difference", int), ("balanced", bool))),),
    {
        "dropped": serializers.DictField(child=serializers.IntegerField(), help_text="Records by reason."),
        "dropped_total": serializers.IntegerField(),
        "drops": None,
    },
)


class LedgerView(ReadView):
    """Is anything missing?"""

    @read_schema(_BALANCE, RANGE, summary="accepted = written + spooled + expired + dropped")
    def get(self, request: Request) -> Response:
        """Of what was received in the range; without one, ever."""
        project = project_of(request)
        zone = request.query_params.get("tz") or "UTC"
        place = zone_from(zone)
        bounded = any(request.query_params.get(name) for name in ("range", "from", "to"))
        now = self.now()
        time_range = range_from(request.query_params, now=now, zone=place) if bounded else None
        return Response(_balance(ledger_now(self.reads(), project.pk, time_range, now=now, zone=zone)))


class DropListView(ListView):
    """Single drops, newest first."""

    row = DropRow
    name = "drops"
    default_range = "7d"

    @read_schema(
        page_shape(DropRow),
        RANGE,
        (parameter("reason", "Keep this reason.", enum=_REASONS),),
        PAGE,
        summary="Dropped records, newest first",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Each with its reason, a detail and the beginning of what it was."""
        self._reason = request.query_params.get("reason", "")
        if self._reason and self._reason not in _REASONS:
            raise QueryError("reason", f"reason={self._reason[:60]!r} does not exist", "one of " + ", ".join(_REASONS))
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return drop_list(self.reads(), query.project_id, query.range, page, reason=self._reason)


def _balance(found: Ledger) -> dict[str, Any]:
    shaped = as_json(found, also=("difference", "balanced"))
    del shaped["drops"]
    shaped["dropped_total"] = shaped["dropped"]
    shaped["dropped"] = {drop.reason: drop.records for drop in found.drops}
    return shaped
