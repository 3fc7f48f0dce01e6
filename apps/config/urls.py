"""Every route in one screen. A page of a project lives below /p/<slug>/; its JSON twin below /api/v1/."""

from django.conf import settings
from django.urls import include, path

from apps.accounts.views import home
from apps.config import health

urlpatterns = [
    path("", home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("settings/", include("apps.accounts.urls")),
    path("p/<slug:project>/", include("apps.traces.urls")),
    path("p/<slug:project>/ledger/", include("apps.ledger.urls")),
    path("p/<slug:project>/alerts/", include("apps.alerts.urls")),
    path("p/<slug:project>/gpu/", include("apps.gpu.urls")),
    path("p/<slug:project>/evaluations/", include("apps.evals.urls")),
    path("p/<slug:project>/scores/", include("apps.evals.score_pages.urls")),
    path("-/", include("apps.ui.urls")),
    path("api/v1/", include("apps.config.urls_api")),
]
if settings.WEB.oidc:
    urlpatterns += [
        path("accounts/3rdparty/", include("allauth.socialaccount.urls")),
        path("accounts/", include("allauth.socialaccount.providers.openid_connect.urls")),
    ]

handler400 = "apps.config.errors.bad_request"
handler403 = "apps.config.errors.permission_denied"
handler404 = "apps.config.errors.page_not_found"
handler500 = "apps.config.errors.server_error"
