"""What the package can be told, and what it answers to what it cannot use."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import spanmeter
from spanmeter._settings import VARIABLES, Options, SettingError, read_settings
from spanmeter.testing import recording


def test_arguments_win_over_variables() -> None:
    told = {"SPANMETER_API_KEY": "sm-sk-a", "SPANMETER_ENVIRONMENT": "prod", "SPANMETER_CAPTURE_CONTENT": "off"}
    settings = read_settings({"environment": "dev"}, told)
    assert (settings.api_key, settings.environment, settings.capture_content) == ("sm-sk-a", "dev", False)
    assert settings.recording
    assert not read_settings({}, {}).recording
    assert not read_settings({}, {**told, "SPANMETER_DISABLED": "1"}).recording


def test_every_setting_is_an_argument_and_a_variable() -> None:
    assert set(Options.__annotations__) == set(VARIABLES)


def test_the_servers_own_secret_is_no_key() -> None:
    assert read_settings({}, {"SPANMETER_SECRET_KEY": "django-secret"}).api_key == ""
    assert read_settings({}, {"SPANMETER_SECRET_KEY": "sm-sk-b"}).api_key == "sm-sk-b"


def test_the_base_url_that_is_printed_carries_the_key() -> None:
    settings = read_settings({"base_url": "http://127.0.0.1:8100/k/sm-sk-c/openai/v1"}, {})
    assert (settings.base_url, settings.api_key) == ("http://127.0.0.1:8100", "sm-sk-c")
    assert read_settings({"base_url": "https://x.example/sub/"}, {}).base_url == "https://x.example/sub"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"base_url": "127.0.0.1:8100"}, "127.0.0.1:8100"),
        ({"base_url": "ftp://x"}, "ftp://x"),
        ({"capture_content": "maybe"}, "maybe"),
        ({"interval": "soon"}, "soon"),
        ({"queue_spans": -1}, "-1"),
        ({"timeout": float("nan")}, "nan"),
        ({"sample_rate": 2}, "2"),
        ({"api_key": "sm-sk-\n"}, "API key"),
        ({"api_key": "sm sk"}, "API key"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, Any], word: str) -> None:
    if given == {"api_key": "sm-sk-\n"}:
        assert read_settings(given, {}).api_key == "sm-sk-", "what was copied with its line end is a key all the same"
        return
    with pytest.raises(SettingError, match=word):
        read_settings(given, {})


def test_configure_does_not_raise(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPANMETER_API_KEY", "SPANMETER_SECRET_KEY", "SPANMETER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with caplog.at_level(logging.WARNING, "spanmeter"):
        assert not spanmeter.configure(base_url="nonsense", api_key="sm-sk-a")
        assert not spanmeter.configure()
    assert "nonsense" in caplog.text
    assert "SPANMETER_API_KEY" in caplog.text
    assert not spanmeter.stats()["recording"]


def test_bootstrap_only_when_asked(configured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"secret_key": "sm-sk-boot", "gateway_url": "http://127.0.0.1:9", "web_url": "http://w", "project": "mine"}
    (tmp_path / "bootstrap.json").write_text(json.dumps(said))
    monkeypatch.setenv("SPANMETER_HOME", str(tmp_path))
    assert not spanmeter.configure()
    configured(api_key=None, base_url=None, bootstrap=True)
    with spanmeter.span("s") as span:
        assert spanmeter.get_trace_url() == f"http://w/p/mine/traces/{span.trace_id}/"
    assert not spanmeter.configure(bootstrap=tmp_path / "missing.json")
    assert spanmeter.stats()["faults"]["configure"] == 1


def test_a_trace_has_no_address_unless_it_is_known() -> None:
    assert spanmeter.get_trace_url("a" * 32) is None
    with recording(dashboard_url="http://w/", project="mine"):
        assert spanmeter.get_trace_url("a" * 32) == f"http://w/p/mine/traces/{'a' * 32}/"
        assert spanmeter.get_trace_url() is None
