"""JSON routes of the ledger, below /api/v1/."""

from django.urls import path

from apps.ledger import api

urlpatterns = [
    path("ledger", api.LedgerView.as_view(), name="api-ledger"),
    path("drops", api.DropListView.as_view(), name="api-drops"),
]
