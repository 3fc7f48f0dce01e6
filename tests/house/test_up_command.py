"""`make up` before anything starts: wrong settings, taken ports and a second start are told in one line each."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps.config.up.claim import HomeClaim
from apps.config.up.plan import make_plan
from apps.config.up.ports import Listener, taken_ports
from apps.config.up.spec import FileLocked
from apps.config.up.welcome import welcome
from ingestion.settings import SettingsError


def up(home: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apps.config.up"],
        env={**os.environ, "SPANMETER_HOME": str(home), **{name: str(value) for name, value in settings.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_names_the_port_and_the_setting(tmp_path: Path) -> None:
    """And nothing has been started: no log of any child."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = up(tmp_path, SPANMETER_GATEWAY_PORT=port, SPANMETER_WEB_PORT=1, SPANMETER_STORE_PORT=port)
    assert result.returncode == 1
    assert f"port {port} for gateway is in use by another program" in result.stderr
    assert "SPANMETER_GATEWAY_PORT" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "logs").exists()


def test_a_chosen_otlp_grpc_port_must_be_free_and_the_default_one_need_not(tmp_path: Path) -> None:
    """A Collector often holds 4317: only who asked for a port is stopped by its being taken."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = up(tmp_path, SPANMETER_OTLP_GRPC_PORT=port, SPANMETER_WEB_PORT=1)
    assert result.returncode == 1
    assert f"port {port} for gateway (OTLP over gRPC) is in use by another program" in result.stderr
    assert "SPANMETER_OTLP_GRPC_PORT" in result.stderr
    plan = make_plan({"SPANMETER_HOME": str(tmp_path)})
    assert 4317 not in {listener.port for listener in plan.listeners}


def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path) -> None:
    """The value and what would be right."""
    result = up(tmp_path, SPANMETER_WEB_PORT="eighty")
    assert (result.returncode, result.stderr) == (
        1,
        "SPANMETER_WEB_PORT='eighty': expected a whole number from 1 to 65535\n",
    )


def test_a_second_start_in_one_home_is_refused(tmp_path: Path) -> None:
    """The message says where the first one is."""
    claim = HomeClaim(tmp_path)
    result = up(tmp_path)
    claim.release()
    assert result.returncode == 1
    assert f"Spanmeter already runs in {tmp_path} (process {os.getpid()})" in result.stderr


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "file").touch()
    result = up(tmp_path / "file")
    assert result.returncode == 1
    assert "SPANMETER_HOME=" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_supervisor_imports_no_django() -> None:
    """It lives as long as the five processes do and must stay small."""
    code = "import apps.config.up.__main__, sys; print([m for m in ('django', 'celery', 'chdb') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_two_processes_on_one_port_are_told_before_either_starts() -> None:
    """The second would find the port taken by the first."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    problems = taken_ports(
        [Listener("gateway", "127.0.0.1", port, "SPANMETER_A"), Listener("web", "127.0.0.1", port, "SPANMETER_B")]
    )
    assert problems == [
        f"port {port} is meant for both gateway (SPANMETER_A) and web (SPANMETER_B): give one of them another"
    ]


def test_an_address_of_another_machine_is_told() -> None:
    """192.0.2.0/24 belongs to nobody."""
    (problem,) = taken_ports([Listener("web", "192.0.2.1", 8000, "SPANMETER_WEB_PORT")])
    assert "web cannot listen on 192.0.2.1:8000" in problem


def test_five_processes_and_their_order(tmp_path: Path) -> None:
    """The gateway stops first and the store last."""
    plan = make_plan({"SPANMETER_HOME": str(tmp_path)})
    running = {spec.name: spec for spec in plan.specs if not spec.step}
    assert set(running) == {"store", "gateway", "ingest", "web", "worker"}
    stages = [running[name].stop_stage for name in ("gateway", "ingest", "web", "store")]
    assert stages == sorted(stages)
    assert running["ingest"].probe == FileLocked(tmp_path / "ingest" / "lock")
    assert running["gateway"].environment["SPANMETER_UPSTREAM_LOCAL"] == "http://127.0.0.1:8180"


def test_the_web_process_has_one_place_for_its_settings(tmp_path: Path) -> None:
    """A flag would hide what the file says, and whoever starts it another way would get something else."""
    plan = make_plan({"SPANMETER_HOME": str(tmp_path), "SPANMETER_WEB_PORT": "8123", "SPANMETER_WEB_THREADS": "3"})
    (web,) = (spec for spec in plan.specs if spec.name == "web")
    assert web.command[1:] == ("-m", "gunicorn", "--config", "python:apps.config.gunicorn", "apps.config.wsgi")
    shown = subprocess.run(
        [*web.command, "--print-config"],
        env={**os.environ, **web.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = dict(line.split("=", 1) for line in shown.stdout.replace(" ", "").splitlines() if "=" in line)
    assert (found["bind"], found["threads"], found["workers"]) == ("['127.0.0.1:8123']", "3", "1")


def test_a_clickhouse_of_ones_own_needs_no_store_process(tmp_path: Path) -> None:
    """The choice is a URL."""
    plan = make_plan({"SPANMETER_HOME": str(tmp_path), "SPANMETER_CLICKHOUSE_URL": "clickhouse://ch:9000/default"})
    assert "store" not in {spec.name for spec in plan.specs}
    assert all("store" not in spec.after for spec in plan.specs)


def test_an_upstream_of_ones_own_named_local_is_kept(tmp_path: Path) -> None:
    """The demo's upstream is a default, not a rule."""
    plan = make_plan({"SPANMETER_HOME": str(tmp_path), "SPANMETER_UPSTREAM_LOCAL": "http://127.0.0.1:1234"})
    assert plan.specs[0].environment["SPANMETER_UPSTREAM_LOCAL"] == "http://127.0.0.1:1234"


def test_a_wrong_setting_of_any_process_stops_the_plan(tmp_path: Path) -> None:
    """Also one that only ingest reads."""
    with pytest.raises(SettingsError, match="SPANMETER_BATCH_RECORDS='many'"):
        make_plan({"SPANMETER_HOME": str(tmp_path), "SPANMETER_BATCH_RECORDS": "many"})


def test_a_malformed_upstream_stops_the_plan(tmp_path: Path) -> None:
    """Every setting is read before anything starts."""
    with pytest.raises(SettingsError, match="SPANMETER_UPSTREAM_LOCAL"):
        make_plan({"SPANMETER_HOME": str(tmp_path), "SPANMETER_UPSTREAM_LOCAL": "127.0.0.1:1234"})


def test_the_banner_can_be_pasted() -> None:
    """The base URL carries the key; nothing else is needed."""
    text = welcome(
        bootstrap={"email": "owner@example.com", "password": "once", "secret_key": "sm-sk-x"},
        web_url="http://127.0.0.1:8000",
        gateway_url="http://127.0.0.1:8100",
        home=Path("/data"),
        seconds=3.21,
    )
    assert 'OpenAI(base_url="http://127.0.0.1:8100/k/sm-sk-x/openai/v1")' in text
    assert "owner@example.com" in text
    assert "3.2 s" in text


def test_the_banner_without_a_bootstrap_file_shows_where_keys_are() -> None:
    """Whoever removed bootstrap.json after noting its content still gets a working banner."""
    text = welcome(bootstrap={}, web_url="http://w", gateway_url="http://g", home=Path("/data"), seconds=1)
    assert "None" not in text
    assert "http://g" in text


def test_the_banner_says_what_became_of_the_key() -> None:
    """A new one that nobody asked for, or none."""
    where = {"web_url": "http://w", "gateway_url": "http://g", "home": Path("/data"), "seconds": 1.0}
    text = welcome(bootstrap={"secret_key": "sm-sk-x", "key_note": "new, for Kept"}, **where)  # type: ignore[arg-type]
    assert "Key         new, for Kept" in text
    assert "http://g/k/sm-sk-x/openai/v1" in text
    text = welcome(bootstrap={"secret_key": "", "key_note": "none: there is no project"}, **where)  # type: ignore[arg-type]
    assert "Key         none: there is no project" in text
    assert "/k/" not in text


def test_the_worker_is_ready_when_it_holds_its_lock(tmp_path: Path) -> None:
    """The supervisor looks at the file that the worker locks."""
    from apps.config.up.probe import is_ready
    from apps.config.up.worker_ready import hold_lock, lock_path

    worker = next(spec for spec in make_plan({"SPANMETER_HOME": str(tmp_path)}).specs if spec.name == "worker")
    assert worker.probe == FileLocked(lock_path(tmp_path))
    assert asyncio.run(is_ready(worker.probe)) is False
    assert hold_lock(lock_path(tmp_path))
    assert asyncio.run(is_ready(worker.probe)) is True
    assert not hold_lock(lock_path(tmp_path))
