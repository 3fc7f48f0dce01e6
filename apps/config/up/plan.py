"""What `make up` runs: the five processes, from the settings. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.config.up.ports import Listener
from apps.config.up.spec import FileLocked, HttpAnswers, PortAccepts, ProcessSpec
from apps.config.web_settings import WebSettings
from ingestion.settings import Environment, GatewaySettings, IngestSettings, StoreSettings

__all__ = ["Plan", "make_plan"]

DEMO_PORT = 8180


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is about to happen."""

    home: Path
    specs: tuple[ProcessSpec, ...]
    listeners: tuple[Listener, ...]
    web_url: str
    gateway_url: str


def make_plan(values: Mapping[str, str]) -> Plan:
    """Read the settings and lay out the processes. Raises SettingsError."""
    store, gateway, web = StoreSettings.read(values), GatewaySettings.read(values), WebSettings.read(values)
    ingest = IngestSettings.read(values)
    environment = {
        **values,
        "SPANMETER_HOME": str(store.home),
        "DJANGO_SETTINGS_MODULE": "apps.config.settings",
        "PYTHONUNBUFFERED": "1",
    }
    # The demo's model is one more upstream, so that `/local/v1/...` is a route like any other.
    demo_port = Environment(values).integer("SPANMETER_DEMO_PORT", DEMO_PORT, least=1, most=65535)
    environment.setdefault("SPANMETER_UPSTREAM_LOCAL", f"http://127.0.0.1:{demo_port}")
    # The demo listens for its alert's webhook on the port after it.
    environment.setdefault("SPANMETER_ALLOWED_WEBHOOK_HOSTS", f"127.0.0.1:{demo_port + 1}")
    listeners = [
        Listener("gateway", gateway.host, gateway.port, "SPANMETER_GATEWAY_PORT"),
        Listener("web", web.host, web.port, "SPANMETER_WEB_PORT"),
        *_otlp_grpc(gateway),
        Listener("ingest", "127.0.0.1", ingest.metrics_port, "SPANMETER_INGEST_METRICS_PORT"),
    ]
    if store.embedded:
        listeners.append(Listener("store", "127.0.0.1", store.port, "SPANMETER_STORE_PORT"))
    return Plan(
        home=store.home,
        specs=_specs(environment, store=store, gateway=gateway, web=web),
        listeners=tuple(listeners),
        web_url=web.url,
        gateway_url=(gateway.public_url or f"http://{_reachable(gateway.host)}:{gateway.port}").rstrip("/"),
    )


def _otlp_grpc(gateway: GatewaySettings) -> list[Listener]:
    """Only a port that was chosen must be free: without the default one the gateway goes on and says so."""
    if not gateway.otlp_grpc_asked:
        return []
    return [Listener("gateway (OTLP over gRPC)", gateway.host, gateway.otlp_grpc_port, "SPANMETER_OTLP_GRPC_PORT")]


def _specs(
    environment: Mapping[str, str], *, store: StoreSettings, gateway: GatewaySettings, web: WebSettings
) -> tuple[ProcessSpec, ...]:
    python = sys.executable
    gunicorn = (python, "-m", "gunicorn", "--config", "python:apps.config.gunicorn", "apps.config.wsgi")
    celery = (
        python, "-m", "celery", "--app", "apps.config.celery", "worker", "--beat", "--pool", "threads",
        "--concurrency", "2", "--loglevel", "info", "--without-gossip", "--without-mingle",
        "--include", "apps.config.up.worker_ready",
    )  # fmt: skip
    after_store = ("store",) if store.embedded else ()
    # Traffic goes first. What is behind the spool may lag while the processors are busy: the spool is there for that.
    background, behind = 10, 5
    specs = [
        ProcessSpec(
            name="schema",
            command=(python, "-m", "ingestion.store.migrate", "apply"),
            environment=environment,
            after=after_store,
            step=True,
        ),
        ProcessSpec(name="prepare", command=(python, "manage.py", "bootstrap"), environment=environment, step=True),
        ProcessSpec(
            name="gateway",
            command=(python, "-m", "proxy"),
            environment=environment,
            probe=HttpAnswers(_reachable(gateway.host), gateway.port, "/healthz"),
            after=("prepare",),
            stop_stage=0,
            stop_seconds=20,
        ),
        ProcessSpec(
            name="ingest",
            command=(python, "-m", "ingestion"),
            environment=environment,
            probe=FileLocked(store.home / "ingest" / "lock"),
            after=("schema",),
            stop_stage=1,
            stop_seconds=20,
            nice=background,
        ),
        ProcessSpec(
            name="web",
            command=gunicorn,
            environment=environment,
            probe=HttpAnswers(_reachable(web.host), web.port, "/healthz"),
            after=("prepare",),
            stop_stage=2,
        ),
        ProcessSpec(
            name="worker",
            command=celery,
            environment=environment,
            probe=FileLocked(store.home / "up" / "worker.lock"),
            after=("prepare",),
            stop_stage=0,
            stop_seconds=2,
            nice=background,
            may_be_cut_off=True,  # every job may, and a warm stop waits seconds for the broker
        ),
    ]
    if store.embedded:
        specs.insert(
            0,
            ProcessSpec(
                name="store",
                command=(python, "-m", "ingestion.store.server"),
                environment=environment,
                probe=PortAccepts("127.0.0.1", store.port),
                stop_stage=3,
                stop_seconds=30,
                nice=behind,
            ),
        )
    return tuple(specs)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
