"""JSON of GPUs and inference servers: single samples, the fleet, what is served, and who pays for it."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.analytics.gpu import GpuRow, GpuSampleRow, ServingRow, fleet, sample_list, serving
from apps.analytics.gpu_cost import HostCost, host_costs
from apps.analytics.query import Page, Query
from apps.api.json_values import as_json
from apps.api.parameters import PAGE, RANGE, parameter, read_schema
from apps.api.reading import ListPage, ListView, ReadView
from apps.api.shapes import page_shape, shape_of
from apps.gpu.grid import grid_from, pue_from
from apps.gpu.prices import prices_now
from ingestion.gpu_money.files import load_grids

__all__ = ["CostView", "FleetView", "SampleListView", "ServingView"]

_COLUMNS = ("metric", "host", "device", "model")
_ONLY = tuple(parameter(name, "Keep these; repeat for any of several.", many=True) for name in _COLUMNS)
_GRID = (
    parameter("grid", "Country whose electricity it is, such as IND, for CO2."),
    parameter("pue", "What the data centre uses for each kWh of its machines. Default 1."),
)


def _list_of(row: type) -> type[serializers.Serializer]:
    return type(f"{row.__name__}List", (serializers.Serializer,), {"data": shape_of(row)(many=True)})


class SampleListView(ListView):
    """Single samples, newest first."""

    row = GpuSampleRow
    name = "gpu_samples"
    default_range = "1h"
    _only: Mapping[str, tuple[str, ...]] = {}

    @read_schema(page_shape(GpuSampleRow), RANGE, _ONLY, PAGE, summary="Samples of GPUs and servers, newest first")
    def get(self, request: Request) -> HttpResponseBase:
        """Every number that was sent as an OTLP metric."""
        self._only = {name: tuple(request.query_params.getlist(name)) for name in _COLUMNS}
        return self.answer(request)

    def list_page(self, query: Query, page: Page) -> ListPage:
        """Read one page."""
        return sample_list(self.reads(), query.project_id, query.range, page, only=self._only)


class FleetView(ReadView):
    """A line for each GPU."""

    default_range = "1h"

    @read_schema(_list_of(GpuRow), RANGE, summary="Each GPU in the range")
    def get(self, request: Request) -> Response:
        """Busy, memory, power, temperature, throttling; what was not measured is null."""
        query = self.query(request)
        found = fleet(self.reads(), query.project_id, query.range)
        return Response({"data": [as_json(row) for row in found]})


class ServingView(ReadView):
    """A line for each served model."""

    default_range = "1h"

    @read_schema(_list_of(ServingRow), RANGE, summary="Each served model in the range")
    def get(self, request: Request) -> Response:
        """Running, waiting, KV-cache, TTFT, time per token, tokens, preemptions, cold start."""
        query = self.query(request)
        found = serving(self.reads(), query.project_id, query.range)
        return Response({"data": [as_json(row) for row in found]})


class CostView(ReadView):
    """The bill, divided."""

    @read_schema(_list_of(HostCost), RANGE, _GRID, summary="Each host's bill: requests + idle + cold start")
    def get(self, request: Request) -> Response:
        """With the price per million tokens, energy and CO2 where they are known."""
        query = self.query(request)
        prices, wrong = prices_now(settings.SPANMETER_HOME)
        grids = load_grids()
        grid = grid_from(request.query_params.get("grid", ""), grids, query.range.end.date())
        found = host_costs(
            self.reads(),
            query.project_id,
            query.range,
            prices=prices,
            grids=grids,
            grid=grid,
            pue=pue_from(request.query_params.get("pue", "")),
        )
        return Response({"data": [as_json(row) for row in found], "price_problem": wrong or None})
