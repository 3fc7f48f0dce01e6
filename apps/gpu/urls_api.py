"""JSON routes of GPUs, below /api/v1/."""

from django.urls import path

from apps.gpu import api

urlpatterns = [
    path("gpu/samples", api.SampleListView.as_view(), name="api-gpu-samples"),
    path("gpu/fleet", api.FleetView.as_view(), name="api-gpu-fleet"),
    path("gpu/serving", api.ServingView.as_view(), name="api-gpu-serving"),
    path("gpu/cost", api.CostView.as_view(), name="api-gpu-cost"),
]
