"""Settings of the web application: what is read, and what is said when it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from apps.config.celery import broker_settings
from apps.config.database_url import database_from_url
from apps.config.mail_url import mail_from_url
from apps.config.web_settings import WebSettings
from ingestion.settings import SettingsError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////var/lib/app.sqlite3", {"NAME": "/var/lib/app.sqlite3"}),
        ("sqlite:///app.sqlite3", {"NAME": str(Path("app.sqlite3").absolute())}),
        (
            "postgres://u:p%40ss@db:6432/app?sslmode=require",
            {"USER": "u", "PASSWORD": "p@ss", "HOST": "db", "PORT": 6432},
        ),
        ("postgresql://db/app", {"NAME": "app", "PORT": 5432}),
    ],
)
def test_a_database_url_is_read(url: str, expected: dict[str, Any]) -> None:
    found = database_from_url(url)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("url", ["mysql://db/app", "sqlite://", "postgres://db", "postgres://db:port/app", "nonsense"])
def test_a_wrong_database_url_says_what_is_right(url: str) -> None:
    with pytest.raises(SettingsError, match="SPANMETER_DATABASE_URL"):
        database_from_url(url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPANMETER_WEB_PORT", "eighty"),
        ("SPANMETER_WEB_URL", "spans.example.com"),
        ("SPANMETER_API_RATE", "many"),
        ("SPANMETER_SIGNUP", "perhaps"),
        ("SPANMETER_LOG_LEVEL", "loud"),
        ("SPANMETER_DEBUG", "maybe"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        WebSettings.read({name: value})


def test_the_host_of_the_address_is_allowed_and_nobody_elses() -> None:
    assert WebSettings.read({"SPANMETER_WEB_URL": "https://spans.example.com"}).allowed_hosts == (
        "spans.example.com",
        "localhost",
        "127.0.0.1",
        "[::1]",
    )
    assert WebSettings.read({"SPANMETER_ALLOWED_HOSTS": "a.example, b.example"}).allowed_hosts == (
        "a.example",
        "b.example",
    )


def test_single_sign_on_needs_a_client() -> None:
    assert WebSettings.read({}).oidc is None
    with pytest.raises(SettingsError, match="SPANMETER_OIDC_CLIENT_ID"):
        WebSettings.read({"SPANMETER_OIDC_ISSUER": "https://id.example.com"})


def test_mail_is_off_without_an_address_and_encrypted_where_asked() -> None:
    assert "dummy" in mail_from_url("")["EMAIL_BACKEND"]
    found = mail_from_url("smtp+tls://user:pa%3Ass@mail.example.com")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_HOST_PASSWORD"]) == (587, True, "pa:ss")
    with pytest.raises(SettingsError, match="SPANMETER_EMAIL_URL"):
        mail_from_url("http://mail")


def test_jobs_lie_in_files_unless_there_is_redis(tmp_path: Path) -> None:
    files = broker_settings(home=tmp_path, redis_url="")
    assert files["broker_url"].startswith("filesystem:")
    assert Path(files["broker_transport_options"]["data_folder_in"]).is_dir()
    assert broker_settings(home=tmp_path, redis_url="redis://r:6379/0")["broker_url"] == "redis://r:6379/0"
