"""Every route of the JSON API in one screen."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.evals.score_pages.urls_api")),
    path("", include("apps.traces.urls_api")),
    path("", include("apps.ledger.urls_api")),
    path("", include("apps.gpu.urls_api")),
    path("", include("apps.alerts.urls_api")),
    path("", include("apps.evals.urls_api")),
    path("", include("apps.api.urls")),
]
