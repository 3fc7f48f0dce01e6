"""Where log lines go: JSON to $SPANMETER_HOME/logs/<process>.log for machines, one line each to the console for people.

Never logs a secret on purpose: request bodies, headers and query strings stay out of the records made here.
"""

from pathlib import Path
from typing import Any

import structlog

__all__ = ["configure_structlog", "logging_dict"]

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure_structlog() -> None:
    """Send structlog through the standard library, so that our lines and Django's look the same."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_dict(*, home: Path, process: str, level: str, json_console: bool) -> dict[str, Any]:
    """Return Django's LOGGING. Only a named long-running process (web, worker) writes a file; commands print."""
    handlers: dict[str, Any] = {
        "console": {"class": "logging.StreamHandler", "formatter": "json" if json_console else "console"},
    }
    if process:
        directory = home / "logs"
        directory.mkdir(parents=True, exist_ok=True)
        handlers["file"] = {
            "class": "logging.handlers.RotatingFileHandler",
            "filename": str(directory / f"{process}.log"),
            "maxBytes": 20 * 1024 * 1024,
            "backupCount": 3,
            "delay": True,
            "formatter": "json",
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": _formatter(structlog.processors.JSONRenderer(), structlog.processors.format_exc_info),
            "console": _formatter(
                structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
            ),
        },
        "handlers": handlers,
        "root": {"handlers": list(handlers), "level": level},
        "loggers": {
            "django.server": {"handlers": list(handlers), "level": level, "propagate": False},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.request": {"level": "ERROR"},  # a page that is not there is the visitor's business
            "celery.worker.strategy": {"level": "WARNING"},  # two lines a job, every minute, say nothing
            "celery.app.trace": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},  # a line for every call, with its address, which may hold a key
            "clickhouse_driver": {
                "level": "ERROR"
            },  # it logs a traceback for every refused connection; ours says it once
        },
    }


def _formatter(*renderers: Any) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        "foreign_pre_chain": _SHARED,
    }
