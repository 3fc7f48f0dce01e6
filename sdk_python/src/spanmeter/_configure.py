"""`configure()` and what ends it. The only module that reads os.environ and that puts the parts together."""

import atexit
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Unpack

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from spanmeter import _attributes as names
from spanmeter._delivery import Delivery
from spanmeter._encode import Body, encode_scores, encode_spans
from spanmeter._guard import faults, guarded, log
from spanmeter._http import Sender
from spanmeter._intake import SpanIntake
from spanmeter._runtime import Mask, Runtime, current, install
from spanmeter._score import Score
from spanmeter._settings import Options, SettingError, Settings, read_settings
from spanmeter._spool import spool_for
from spanmeter._version import __version__
from spanmeter._worker import Worker

__all__ = ["configure", "flush", "shutdown", "stats"]


class _Installed:
    """What configure() has put in place."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.mask: Mask | None = None
        self.worker: Worker | None = None
        self.delivery: Delivery | None = None
        self.intakes: dict[int, tuple[TracerProvider, SpanIntake]] = {}
        self.at_exit = False


_installed = _Installed()


def configure(
    *,
    bootstrap: bool | str | os.PathLike[str] = False,
    tracer_provider: TracerProvider | None = None,
    mask: Mask | None = None,
    **settings: Unpack[Options],
) -> bool:
    """Begin to record; True when it does. Whatever is not passed is read from SPANMETER_* variables.

    Called again with the same settings it does nothing, with others it changes over. An existing OpenTelemetry tracer
    provider gets one more processor; without one, a provider is made and set. `bootstrap` reads the address and the key
    of an installation on this machine (`$SPANMETER_HOME/bootstrap.json`, or the file that it names). `mask` sees every
    recorded text and returns what may be kept of it. A setting that cannot be used is told in the log, and nothing is
    recorded: this function does not raise.
    """
    return _configure(bootstrap, tracer_provider, mask, settings)


@guarded("configure", False)
def _configure(
    bootstrap: bool | str | os.PathLike[str],
    tracer_provider: TracerProvider | None,
    mask: Mask | None,
    given: Mapping[str, Any],
) -> bool:
    try:
        settings = read_settings(_bootstrapped(bootstrap) | _said(given), os.environ)
    except SettingError as error:
        _off()
        faults.note("configure", str(error))
        return False
    if not settings.recording:
        _off()
        if not settings.disabled:
            log.warning("spanmeter: no API key, nothing is recorded: set SPANMETER_API_KEY, or pass api_key=")
        return False
    provider = tracer_provider or _provider(settings)
    known = _installed.intakes.get(id(provider))
    if known and known[1].sink is not None and (settings, mask) == (_installed.settings, _installed.mask):
        return True
    _off()
    worker = _worker(settings)
    intake = _intake(provider)
    intake.sink, intake.exit_timeout = worker, settings.exit_timeout
    tracer = provider.get_tracer("spanmeter", __version__)
    _installed.settings, _installed.mask, _installed.worker = settings, mask, worker
    install(Runtime(settings=settings, tracer=tracer, sink=worker, clock=time.time_ns, mask=mask))
    if not _installed.at_exit:
        _installed.at_exit = True
        atexit.register(_at_exit)
    return True


def flush(timeout: float = 10.0) -> bool:
    """Wait until everything recorded so far is at the server; False when some of it still waits or was dropped."""
    return _flush(timeout)


def shutdown(timeout: float | None = None) -> bool:
    """Deliver what is here, keep on disk what cannot be delivered, and stop recording."""
    return _shutdown(timeout)


def stats() -> dict[str, Any]:
    """Return what became of the records of this process: delivered, waiting, dropped by reason; and our own errors."""
    worker, delivery = _installed.worker, _installed.delivery
    return {
        "recording": current.runtime is not None,
        "delivered": delivery.delivered if delivery else 0,
        "waiting": (worker.queued() if worker else 0) + (delivery.waiting() if delivery else 0),
        "dropped": worker.dropped() if worker else {},
        "faults": faults.counts(),
    }


@guarded("flush", False)
def _flush(timeout: float) -> bool:
    runtime = current.runtime
    return runtime is None or runtime.sink.flush(timeout)


@guarded("shutdown", False)
def _shutdown(timeout: float | None) -> bool:
    runtime = install(None)
    for _, intake in _installed.intakes.values():
        intake.sink = None
    if runtime is None:
        return True
    return runtime.sink.shutdown(runtime.settings.exit_timeout if timeout is None else timeout)


def _off() -> None:
    if current.runtime is not None:
        _shutdown(None)


def _at_exit() -> None:
    _shutdown(None)


def _provider(settings: Settings) -> TracerProvider:
    """Return the application's provider, or one of ours when it has none."""
    found = trace.get_tracer_provider()
    if isinstance(found, TracerProvider):
        return found
    made = TracerProvider(
        resource=Resource.create({names.SERVICE: settings.service} if settings.service else {}),
        sampler=ParentBasedTraceIdRatio(settings.sample_rate) if settings.sample_rate < 1 else None,
        shutdown_on_exit=False,
    )
    trace.set_tracer_provider(made)
    return made


def _intake(provider: TracerProvider) -> SpanIntake:
    known = _installed.intakes.get(id(provider))
    if known is not None:
        return known[1]
    intake = SpanIntake()
    provider.add_span_processor(intake)
    _installed.intakes[id(provider)] = (provider, intake)
    return intake


def _worker(settings: Settings) -> Worker:
    sender = Sender(
        base_url=settings.base_url,
        api_key=settings.api_key,
        timeout=settings.timeout,
        agent=f"spanmeter-python/{__version__}",
    )
    spool, trouble = spool_for(
        settings.spool_directory,
        base_url=settings.base_url,
        api_key=settings.api_key,
        most_bytes=settings.spool_bytes,
    )
    if trouble:
        log.warning("spanmeter: records wait in memory while the network is away: %s", trouble)
    told = {names.ENVIRONMENT: settings.environment, names.RELEASE: settings.release, names.SERVICE: settings.service}
    resource = {key: value for key, value in told.items() if value}

    def encode(spans: list[ReadableSpan], scores: list[Score]) -> Iterator[Body]:
        compress = settings.compression
        yield from encode_spans(spans, resource=resource, most_bytes=settings.batch_bytes, compress=compress)
        yield from encode_scores(scores, resource=resource, compress=compress)

    def after_fork() -> None:
        sender.close()
        spool.after_fork()

    delivery = Delivery(sender=sender, spool=spool, clock=time.monotonic)
    _installed.delivery = delivery
    return Worker(settings=settings, delivery=delivery, encode=encode, after_fork=after_fork, close=sender.close)


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _bootstrapped(asked: bool | str | os.PathLike[str]) -> dict[str, Any]:
    """Read what an installation on this machine says to whoever may read its files."""
    if asked is False:
        return {}
    home = Path(os.environ.get("SPANMETER_HOME", Path.home() / ".spanmeter"))
    path = home / "bootstrap.json" if asked is True else Path(asked)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = {"api_key": said["secret_key"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path} cannot be read ({error}): start the installation, or pass api_key=") from None
    named = {"base_url": "gateway_url", "dashboard_url": "web_url", "project": "project"}
    return found | {ours: str(said[theirs]) for ours, theirs in named.items() if said.get(theirs)}
