"""Django's settings, built from SPANMETER_* variables. Reading writes nothing but the log directory and opens no
connection.
"""

import os
from pathlib import Path
from typing import Any

import structlog  # noqa: F401  (imported early: LOGGING names its formatters)
from csp.constants import NONE, SELF

from apps.config.database_url import database_from_url
from apps.config.logs import configure_structlog, logging_dict
from apps.config.mail_url import mail_from_url
from apps.config.secret_file import random_secret
from apps.config.web_settings import WebSettings
from ingestion.settings import GatewaySettings

WEB = WebSettings.read(os.environ)
ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
SPANMETER_HOME = WEB.home
_GATEWAY = GatewaySettings.read(os.environ)
# What the pages tell people to use as base URL.
SPANMETER_GATEWAY_URL = _GATEWAY.public_url or f"http://{_GATEWAY.host}:{_GATEWAY.port}"
HTTPS = WEB.url.startswith("https://")

DEBUG = WEB.debug
# Without a key file sessions end with the process; check spanmeter.W001 says how to make one.
SECRET_KEY_IS_TEMPORARY = not WEB.secret_key
SECRET_KEY = WEB.secret_key or random_secret()
ALLOWED_HOSTS = list(WEB.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [WEB.url]

INSTALLED_APPS = [
    "apps.config",
    "apps.accounts",
    "apps.api",
    "apps.ui",
    "apps.traces",
    "apps.ledger",
    "apps.gpu",
    "apps.alerts",
    "apps.evals",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.config.middleware.AwayMiddleware",
]

ROOT_URLCONF = "apps.config.urls"
WSGI_APPLICATION = "apps.config.wsgi.application"
DATABASES = {"default": database_from_url(WEB.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# One process, so its own memory is enough; counters shared by several web processes need Redis.
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": WEB.redis_url}
    if WEB.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "spanmeter"}
}

_LOADERS = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [FRONTEND / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.accounts.navigation.navigation",
            ],
            "loaders": _LOADERS if DEBUG else [("django.template.loaders.cached.Loader", _LOADERS)],
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = SPANMETER_HOME / "static"
STATICFILES_DIRS = [FRONTEND / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "apps.config.static_storage.HashedStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = SPANMETER_HOME / "media"

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = WEB.time_zone

# ---- who may enter -------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if WEB.signup_open and WEB.email_url else "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Spanmeter"
SPANMETER_SIGNUP_OPEN = WEB.signup_open
if WEB.oidc:
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
    SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": WEB.oidc.name,
                    "client_id": WEB.oidc.client_id,
                    "secret": WEB.oidc.client_secret,
                    "settings": {"server_url": WEB.oidc.issuer},
                }
            ],
            "EMAIL_AUTHENTICATION": True,
        }
    }

# ---- what the browser may do ---------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],  # charts and the images inside prompts; never a remote address
        "media-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "apps.config.errors.csrf_failure"
if WEB.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# ---- the JSON API --------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.api.authentication.KeyAuthentication",
        "apps.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.api.errors.error_response",
    "DEFAULT_THROTTLE_CLASSES": ["apps.api.throttling.CallerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"caller": WEB.api_rate},
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": 1 if WEB.behind_proxy else 0,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Spanmeter",
    "VERSION": "1",
    "DESCRIPTION": "Traces, spans, cost and the ledger of one project. "
    "Money is a decimal string, a duration is seconds, unknown is null.",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# ---- mail, logs, errors of our own ---------------------------------------------------------------------------------
globals().update(mail_from_url(WEB.email_url))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = WEB.email_from
configure_structlog()
LOGGING = logging_dict(home=WEB.home, process=WEB.process, level=WEB.log_level, json_console=WEB.log_json)
if WEB.sentry_dsn:
    import sentry_sdk

    sentry_sdk.init(
        dsn=WEB.sentry_dsn, send_default_pii=False, max_request_body_size="never", include_local_variables=False
    )
SILENCED_SYSTEM_CHECKS = ["security.W008"]
