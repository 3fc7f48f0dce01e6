"""A worker for the kill test: empties the outbox of a database for ever. Its arguments: the hosts it may call.

Leases are a second long here, so that what a killed worker had claimed is due again soon.
"""

import sys
import time
from datetime import timedelta


def main(allowed: list[str]) -> None:
    """Deliver until killed."""
    import django

    django.setup()
    from apps.alerts import deliver
    from apps.alerts.calling import Caller

    deliver._LEASE = timedelta(seconds=1)
    print("ready", flush=True)
    while True:
        deliver.deliver_due(clock=deliver.utc_now, caller=Caller(allowed=allowed, seconds=5), most=5)
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1:])
