"""What the worker does, one function a job. Each may be cut off anywhere and run again."""

import os
import time
from datetime import UTC, datetime

import structlog
from celery import shared_task
from django.conf import settings

from apps.accounts.deletions import deletions_claim, deletions_note
from apps.accounts.retention import retentions
from apps.config.secret_file import private_json_write
from ingestion.settings import StoreSettings
from ingestion.store.client import StoreError, connect
from ingestion.store.dialect import Dialect
from ingestion.store.erasure import erase
from ingestion.store.retention import expire

__all__ = ["erasure", "heartbeat", "retention"]

_log = structlog.get_logger(__name__)


@shared_task(name="apps.config.jobs.heartbeat")
def heartbeat() -> None:
    """Say that beat and worker both live: the file's time is the last moment they did."""
    private_json_write(
        settings.SPANMETER_HOME / "broker" / "heartbeat.json",
        {"at": datetime.now(UTC).isoformat(), "pid": str(os.getpid())},
    )


@shared_task(name="apps.config.jobs.retention")
def retention() -> int:
    """Expire what is older than each project keeps; return how many records went."""
    store_settings = StoreSettings.read()
    store = connect(store_settings, max_seconds=600, size=2)
    dialect = Dialect(cluster=store_settings.cluster)
    started, total = time.monotonic(), 0
    try:
        for rule in retentions(now=datetime.now(UTC)):
            try:
                records = expire(store.writer, dialect, project_id=rule.project_id, before=rule.before)
            except StoreError as error:
                # The next hour tries again; other projects do not wait for this one.
                _log.warning("retention_failed", project_id=rule.project_id, error=str(error))
                continue
            total += records
            if records:
                _log.info("retention", project_id=rule.project_id, records=records, before=rule.before.isoformat())
    finally:
        store.close()
    _log.info("retention_done", records=total, seconds=round(time.monotonic() - started, 3))
    return total


@shared_task(name="apps.config.jobs.erasure")
def erasure() -> int:
    """Remove what deleted projects have in the store; return how many rows were found."""
    projects = deletions_claim(now=datetime.now(UTC))
    if not projects:
        return 0
    store_settings = StoreSettings.read()
    store = connect(store_settings, max_seconds=600, size=2)
    try:
        found = erase(store.writer, Dialect(cluster=store_settings.cluster), projects)
    except StoreError as error:
        # What is left is looked for again when the claim has run out.
        _log.warning("erasure_failed", project_ids=projects, error=str(error))
        return 0
    finally:
        store.close()
    deletions_note(found, now=datetime.now(UTC))
    rows = sum(found.values())
    if rows:
        _log.info("erasure", project_ids=[project_id for project_id in found if found[project_id]], rows=rows)
    return rows
