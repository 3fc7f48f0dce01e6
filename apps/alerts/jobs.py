"""What the worker does about alerts, one function a job. Each may be cut off anywhere and run again."""

import structlog
from celery import shared_task
from django.db import OperationalError

from apps.alerts.deliver import caller_of_installation, deliver_due, utc_now
from apps.alerts.evaluate import evaluate_due
from apps.alerts.models import Delivery
from apps.analytics.run import reads

__all__ = ["deliver", "evaluate"]

_log = structlog.get_logger(__name__)


@shared_task(name="apps.alerts.jobs.evaluate")
def evaluate() -> int:
    """Evaluate the rules that are due, and say at once what is to be said."""
    try:
        evaluated = evaluate_due(reads(), now=utc_now())
        if Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__lte=utc_now()).exists():
            deliver.delay()
    except OperationalError as error:
        # The database is away or busy: nothing was half-written, and beat asks again.
        _log.warning("evaluation_put_off", error=str(error))
        return 0
    return evaluated


@shared_task(name="apps.alerts.jobs.deliver")
def deliver() -> int:
    """Try the deliveries that are due."""
    try:
        return deliver_due(clock=utc_now, caller=caller_of_installation())
    except OperationalError as error:
        _log.warning("delivery_put_off", error=str(error))
        return 0
