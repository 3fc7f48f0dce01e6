"""The ledger's page, below /p/<project slug>/ledger/."""

from django.urls import path

from apps.ledger import views

app_name = "ledger"
urlpatterns = [path("", views.ledger_view, name="ledger")]
