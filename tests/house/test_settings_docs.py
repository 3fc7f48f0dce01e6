"""docs/settings.md lists what the code reads, with the defaults it has; docker-compose.yml sets only what exists."""

import re

import yaml

from apps.config.up.plan import make_plan
from tests.house.settings_in_code import UNSET, settings_read
from tests.house.source import ROOT

ROW = re.compile(r"^\| `(SPANMETER_[A-Z0-9_]+)(?:<NAME>)?` \| ([^|]*) \|", re.MULTILINE)
FAMILIES = {"SPANMETER_UPSTREAM_"}  # a prefix, completed by whoever sets it
IN_THE_STARTER = {"SPANMETER_HOME"}


def documented() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "docs" / "settings.md").read_text()))


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    """In both directions."""
    names = {name for name in documented() if name not in FAMILIES}
    assert names == set(settings_read()) | IN_THE_STARTER


def test_documented_defaults_are_the_defaults() -> None:
    """The first code span of the second column is what the code uses."""
    expected = {name: shown(value) for name, value in settings_read().items() if value is not UNSET and value != ""}
    spans = {name: re.search(r"`([^`]*)`", cell) for name, cell in documented().items()}
    assert {name: span.group(1) for name, span in spans.items() if span and name in expected} == expected


def shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_compose_sets_only_what_exists_and_runs_the_same_programs() -> None:
    """The programs are those of `make up`; the store is a ClickHouse server there."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    variables = {
        name
        for service in services.values()
        for name in (service.get("environment") or {})
        if name.startswith("SPANMETER_")
    }
    assert variables <= set(settings_read())
    assert {"postgres", "redis", "clickhouse", "gateway", "ingest", "web", "worker"} <= set(services)
    ours = {spec.name: spec.command for spec in make_plan({}).specs}
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            assert other in services
        if name in ours:
            module = next(
                word for word in ours[name] if word.startswith(("proxy", "ingestion", "apps.config", "manage"))
            )
            assert module in service["command"], name
    ports = {f"{port}".split(":")[-1] for service in services.values() for port in service.get("ports", [])}
    listened = ("SPANMETER_GATEWAY_PORT", "SPANMETER_OTLP_GRPC_PORT", "SPANMETER_WEB_PORT")
    assert ports == {str(settings_read()[name]) for name in listened}
