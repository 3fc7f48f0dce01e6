"""Settings: every wrong value is refused with the variable's name, the value and what would be right."""

from pathlib import Path

import pytest

from ingestion.settings import Environment, GatewaySettings, IngestSettings, SettingsError, StoreSettings


def test_defaults_put_everything_below_the_home(tmp_path: Path) -> None:
    values = {"SPANMETER_HOME": str(tmp_path)}
    gateway = GatewaySettings.read(values)
    assert gateway.home == tmp_path
    assert gateway.database_url == f"sqlite:///{tmp_path / 'app.sqlite3'}"
    assert (gateway.port, StoreSettings.read(values).port) == (8100, 9000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPANMETER_GATEWAY_PORT", "eighty"),
        ("SPANMETER_GATEWAY_PORT", "70000"),
        ("SPANMETER_CONNECT_TIMEOUT", "-1"),
        ("SPANMETER_CONNECT_TIMEOUT", "nan"),
        ("SPANMETER_SPOOL_FSYNC", "sometimes"),
        ("SPANMETER_SPOOL_FULL", "explode"),
        ("SPANMETER_SPOOL_BYTES", "1"),
        ("SPANMETER_UPSTREAM_OPENAI", "llm.example.com"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        GatewaySettings.read({"SPANMETER_HOME": str(tmp_path), name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n", encoding="utf-8")
    values = {"SPANMETER_HOME": str(tmp_path), "SPANMETER_STORE_PASSWORD_FILE": str(secret)}
    assert StoreSettings.read(values).password == "s3cret"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SPANMETER_STORE_PASSWORD_FILE=.*nowhere"):
        StoreSettings.read(
            {"SPANMETER_HOME": str(tmp_path), "SPANMETER_STORE_PASSWORD_FILE": str(tmp_path / "nowhere")}
        )


def test_broken_secrets_say_which_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"secrets\.json"):
        StoreSettings.read({"SPANMETER_HOME": str(tmp_path)})


def test_another_clickhouse_means_no_embedded_store(tmp_path: Path) -> None:
    url = "clickhouse://u:p@db.example.com:9440/spanmeter?secure=1"
    settings = StoreSettings.read({"SPANMETER_HOME": str(tmp_path), "SPANMETER_CLICKHOUSE_URL": url})
    assert (settings.url, settings.embedded) == (url, False)
    assert StoreSettings.read({"SPANMETER_HOME": str(tmp_path)}).embedded is True


def test_upstreams_lose_their_trailing_slash_and_keep_their_name(tmp_path: Path) -> None:
    values = {"SPANMETER_HOME": str(tmp_path), "SPANMETER_UPSTREAM_MY_LLM": "http://127.0.0.1:9/"}
    assert GatewaySettings.read(values).upstreams == {"my_llm": "http://127.0.0.1:9"}


@pytest.mark.parametrize(("text", "meaning"), [("on", True), ("TRUE", True), ("0", False), ("no", False), ("", False)])
def test_flags(text: str, meaning: bool) -> None:
    assert Environment({"X": text}).flag("X", default=False) is meaning


def test_a_flag_that_is_neither_is_refused() -> None:
    with pytest.raises(SettingsError, match="X='perhaps'"):
        Environment({"X": "perhaps"}).flag("X", default=False)


def test_masks_are_a_list(tmp_path: Path) -> None:
    values = {"SPANMETER_HOME": str(tmp_path), "SPANMETER_REDACT": "email, card,,phone "}
    assert IngestSettings.read(values).redact == ("email", "card", "phone")
