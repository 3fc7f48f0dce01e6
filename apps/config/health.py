"""Is the process alive (/healthz), and can it serve (/readyz)? Neither says anything about the installation to a
stranger beyond that.
"""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from apps.analytics.run import reads
from apps.analytics.statement import Statement
from ingestion.store.client import StoreError

__all__ = ["healthz", "readyz"]


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process can run Python."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and the store both answer, else 503 naming the one that does not."""
    checks = {"database": _ask(_database), "store": _ask(_store)}
    ready = all(answer == "ok" for answer in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", **checks}, status=200 if ready else 503)


def _ask(probe: Callable[[], None]) -> str:
    try:
        probe()
    except (DatabaseError, OSError, StoreError):
        return "unavailable"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _store() -> None:
    reads().rows(Statement("SELECT 1", {}, "readyz"), seconds=2)
