"""Every SPANMETER_* setting that only the web application and the worker read, as one frozen value. Pure: `values` is
passed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ingestion.settings import Environment, SettingsError, home_from, secrets_from

__all__ = ["OidcSettings", "WebSettings"]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """One OpenID Connect provider to sign in with."""

    issuer: str
    client_id: str
    client_secret: str
    name: str


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the web process and the worker need. Times in seconds."""

    home: Path
    debug: bool
    secret_key: str
    database_url: str
    redis_url: str
    host: str
    port: int
    threads: int
    url: str
    allowed_hosts: tuple[str, ...]
    behind_proxy: bool
    time_zone: str
    signup_open: bool
    email_url: str
    email_from: str
    sentry_dsn: str
    log_level: str
    log_json: bool
    process: str
    api_rate: str
    query_seconds: float
    owner_email: str
    allowed_webhook_hosts: tuple[str, ...]
    oidc: OidcSettings | None

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "WebSettings":
        """Read the settings of web and worker; docs/settings.md lists each with its default and meaning."""
        environment = Environment(values)
        home = home_from(environment)
        port = environment.integer("SPANMETER_WEB_PORT", 8000, least=1, most=65535)
        url = environment.text("SPANMETER_WEB_URL", f"http://127.0.0.1:{port}").rstrip("/")
        host = urlsplit(url).hostname
        if not url.startswith(("http://", "https://")) or not host:
            raise SettingsError(f"SPANMETER_WEB_URL={url!r}: expected an origin such as https://spans.example.com")
        named = environment.text("SPANMETER_ALLOWED_HOSTS")
        hosts = tuple(part.strip() for part in named.split(",") if part.strip())
        return cls(
            home=home,
            debug=environment.flag("SPANMETER_DEBUG", default=False),
            secret_key=environment.text("SPANMETER_SECRET_KEY") or secrets_from(home).get("django_secret_key", ""),
            database_url=environment.text("SPANMETER_DATABASE_URL", f"sqlite:///{home / 'app.sqlite3'}"),
            redis_url=environment.text("SPANMETER_REDIS_URL"),
            host=environment.text("SPANMETER_WEB_HOST", "127.0.0.1"),
            port=port,
            threads=environment.integer("SPANMETER_WEB_THREADS", 8, least=1, most=256),
            url=url,
            allowed_hosts=hosts or tuple(dict.fromkeys([host, "localhost", "127.0.0.1", "[::1]"])),
            behind_proxy=environment.flag("SPANMETER_BEHIND_PROXY", default=False),
            time_zone=environment.text("SPANMETER_TIME_ZONE", "UTC"),
            signup_open=environment.choice("SPANMETER_SIGNUP", "closed", ("open", "closed")) == "open",
            email_url=environment.text("SPANMETER_EMAIL_URL"),
            email_from=environment.text("SPANMETER_EMAIL_FROM", f"Spanmeter <spanmeter@{host}>"),
            sentry_dsn=environment.text("SPANMETER_SENTRY_DSN"),
            log_level=environment.choice(
                "SPANMETER_LOG_LEVEL", "info", ("debug", "info", "warning", "error", "critical")
            ).upper(),
            log_json=environment.flag("SPANMETER_LOG_JSON", default=False),
            process=environment.text("SPANMETER_PROCESS"),
            api_rate=_rate(environment.text("SPANMETER_API_RATE", "1200/minute")),
            query_seconds=environment.seconds("SPANMETER_QUERY_SECONDS", 20.0, least=0.1),
            owner_email=environment.text("SPANMETER_OWNER_EMAIL", "owner@example.com"),
            allowed_webhook_hosts=tuple(
                part.strip().lower()
                for part in environment.text("SPANMETER_ALLOWED_WEBHOOK_HOSTS").split(",")
                if part.strip()
            ),
            oidc=_oidc(environment),
        )


def _rate(text: str) -> str:
    number, _, period = text.partition("/")
    if not number.isdigit() or period not in {"second", "minute", "hour", "day"}:
        raise SettingsError(f"SPANMETER_API_RATE={text!r}: expected requests/period such as 1200/minute")
    return text


def _oidc(environment: Environment) -> OidcSettings | None:
    issuer = environment.text("SPANMETER_OIDC_ISSUER")
    if not issuer:
        return None
    client_id = environment.text("SPANMETER_OIDC_CLIENT_ID")
    if not client_id:
        raise SettingsError("SPANMETER_OIDC_CLIENT_ID: missing; SPANMETER_OIDC_ISSUER is set and needs it")
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=environment.text("SPANMETER_OIDC_CLIENT_SECRET"),
        name=environment.text("SPANMETER_OIDC_NAME", "Single sign-on"),
    )
