"""What every reading view does: find the project, read the parameters, answer one page or the whole list as CSV."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.analytics.parse import page_from, query_from
from apps.analytics.query import Page, Query
from apps.analytics.run import Reads, reads
from apps.api.csv_export import CsvRenderer, csv_response
from apps.api.json_values import as_json
from apps.api.scope import project_of

__all__ = ["ListPage", "ListView", "ReadView"]

_CSV_PAGE = 200


class ListPage(Protocol):
    """What every list of apps.analytics returns."""

    @property
    def rows(self) -> tuple[Any, ...]:
        """The rows of this page."""

    @property
    def next(self) -> str | None:
        """Where the next one begins."""


class ReadView(APIView):
    """A GET about one project."""

    http_method_names = ["get", "head", "options"]
    default_range = "24h"

    def now(self) -> datetime:
        """The one place where these views look at the clock."""
        return datetime.now(UTC)

    def reads(self) -> Reads:
        """The process's executor."""
        return reads()

    def query(self, request: Request) -> Query:
        """The project and the shared parameters."""
        return query_from(
            request.query_params,
            project_id=project_of(request).pk,
            now=self.now(),
            time_zone=settings.TIME_ZONE,
            default_range=self.default_range,
        )


class ListView(ReadView):
    """A list: `row` is its dataclass, `list_page` its read."""

    renderer_classes = [JSONRenderer, CsvRenderer]
    row: type
    name: str

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        raise NotImplementedError

    def answer(self, request: Request) -> HttpResponseBase:
        """One page as JSON, or all of them as CSV."""
        query = self.query_of_list(request)
        page = page_from(request.query_params)
        if request.accepted_renderer is not None and request.accepted_renderer.format == "csv":
            return csv_response(
                self._pages(lambda cursor: self.list_page(query, Page(_CSV_PAGE, cursor))), name=self.name
            )
        found = self.list_page(query, page)
        shaped = [as_json(row) for row in found.rows]
        return Response({"data": shaped, "next": found.next, **self.beside(found)})

    def query_of_list(self, request: Request) -> Query:
        """The query of the list; `limit` means rows of a page here and is read as such."""
        parameters = request.query_params.copy()
        parameters.pop("limit", None)
        return query_from(
            parameters,
            project_id=project_of(request).pk,
            now=self.now(),
            time_zone=settings.TIME_ZONE,
            default_range=self.default_range,
        )

    def beside(self, found: ListPage) -> dict[str, Any]:
        """More to say than the rows."""
        return {}

    def _pages(self, read: Callable[[str], ListPage]) -> Iterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            found = read(cursor)
            yield [as_json(row) for row in found.rows]
            cursor = found.next
