"""GET with a key, many times, with what the client waited: an upper bound of what the server took."""

import http.client
import time
from collections.abc import Iterable

from bench.spanmeter import Spanmeter

__all__ = ["timed_gets"]


def timed_gets(spanmeter: Spanmeter, paths: Iterable[str]) -> list[float]:
    """Return sorted seconds, one for each path. Raises with the answer's text for anything but 200."""
    connection = http.client.HTTPConnection("127.0.0.1", spanmeter.web_port, timeout=120)
    headers = {"Authorization": f"Bearer {spanmeter.key}", "Accept": "application/json"}
    taken = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status != 200:
            raise ConnectionError(f"GET {path} answered {answer.status}: {text[:300].decode('utf-8', 'replace')}")
    connection.close()
    return sorted(taken)
