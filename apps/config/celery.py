"""The Celery app and the beat table. Jobs name their queue-worthy work in one line each; what they do lies in the
rooms.

Without SPANMETER_REDIS_URL messages are files below $SPANMETER_HOME/broker: a message that nobody has taken outlives
any `kill -9`. One
that a killed worker had taken is lost, which no job may mind: every one of them is repeated by beat and may be cut off
anywhere.
"""

import os
from pathlib import Path
from typing import Any

import celery.beat
from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # they import every page and view: 40 MB that a worker never uses

__all__ = ["app", "broker_settings"]

# TRICKY: `worker --beat` makes beat a process of its own (110 MB) unless Celery finds no multiprocessing; then it is a
# thread.
celery.beat._Process = None


def broker_settings(*, home: Path, redis_url: str) -> dict[str, Any]:
    """Where messages go. Makes the directories of the embedded broker."""
    if redis_url:
        return {
            "broker_url": redis_url,
            "broker_connection_retry_on_startup": True,
            "broker_transport_options": {"visibility_timeout": 3600, "global_keyprefix": "spanmeter:"},
        }
    broker = home / "broker"
    for name in ("queue", "control"):
        (broker / name).mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://localhost//",
        "broker_transport_options": {
            "data_folder_in": str(broker / "queue"),
            "data_folder_out": str(broker / "queue"),
            "control_folder": str(broker / "control"),
            "store_processed": False,
            "polling_interval": 1.0,
        },
    }


def _make() -> Celery:
    from django.conf import settings

    made = Celery("spanmeter")
    made.conf.update(
        broker_settings(home=settings.SPANMETER_HOME, redis_url=settings.WEB.redis_url),
        task_ignore_result=True,
        task_acks_late=True,
        task_default_queue="spanmeter",
        task_time_limit=3600,
        timezone="UTC",
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        beat_schedule_filename=str(settings.SPANMETER_HOME / "broker" / "beat"),
        beat_schedule={
            "heartbeat": {"task": "apps.config.jobs.heartbeat", "schedule": 60.0, "options": {"expires": 50}},
            "retention": {
                "task": "apps.config.jobs.retention",
                "schedule": crontab(minute="17"),
                "options": {"expires": 3000},
            },
            "erasure": {"task": "apps.config.jobs.erasure", "schedule": 60.0, "options": {"expires": 50}},
            "alerts": {"task": "apps.alerts.jobs.evaluate", "schedule": 15.0, "options": {"expires": 15}},
            "deliveries": {"task": "apps.alerts.jobs.deliver", "schedule": 10.0, "options": {"expires": 10}},
            "evaluations": {"task": "apps.evals.jobs.evaluate", "schedule": 15.0, "options": {"expires": 15}},
        },
        imports=("apps.config.jobs", "apps.alerts.jobs", "apps.evals.jobs"),
    )
    made.set_default()
    return made


app = _make()
