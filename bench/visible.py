"""Waits until what was accepted can be seen by a query: the only end of a measurement that counts."""

import http.client
import json
import time

from bench.spanmeter import Spanmeter

__all__ = ["seconds_until_visible", "settle"]


def seconds_until_visible(spanmeter: Spanmeter, *, at_least: int, since: float, patience: float = 300.0) -> float:
    """Return seconds from `since` (Unix time) until the store counts so many spans; raises TimeoutError with the
    count.
    """
    client = spanmeter.store()
    seen, changed = -1, time.time()
    try:
        while True:
            count = spanmeter.count(client)
            now = time.time()
            if count >= at_least:
                return now - since
            if count != seen:
                seen, changed = count, now
            elif now - changed > 30 or now - since > patience:
                raise TimeoutError(f"{count} of {at_least} spans are visible and no more come")
            time.sleep(0.1)
    finally:
        client.disconnect()


def settle(spanmeter: Spanmeter, *, patience: float = 300.0) -> int:
    """Wait until nothing is left in the spool, and return how many spans there are. What runs next is not to share the
    processors with the work that an earlier load left behind.
    """
    client = spanmeter.store()
    deadline = time.time() + patience
    try:
        last, now = -1, spanmeter.count(client)
        # The count alone says little: a large batch is seen when it is whole, which takes longer than any step here.
        while (now != last or _spooled(spanmeter)) and time.time() < deadline:
            time.sleep(2)
            last, now = now, spanmeter.count(client)
        return now
    finally:
        client.disconnect()


def _spooled(spanmeter: Spanmeter) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", spanmeter.web_port, timeout=60)
    connection.request("GET", "/api/v1/ledger", headers={"Authorization": f"Bearer {spanmeter.key}"})
    try:
        return int(json.load(connection.getresponse())["spooled"])
    finally:
        connection.close()
