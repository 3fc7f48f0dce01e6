"""Who a key belongs to: a table in memory, refreshed behind the event loop's back.

A thread reads the keys every SPANMETER_KEY_REFRESH seconds, and at once (but not more often than twice a second) when
a key is unknown, so that a key works as soon as it was made. When the database is away the last table stays in force;
at a start without database the snapshot on disk does. Without either nobody is let in. A revoked key works until the
next refresh.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from proxy.auth import Credential
from proxy.keys_source import Key, KeysUnreadable, read_database, read_snapshot, write_snapshot

__all__ = ["Keys"]

log = logging.getLogger("proxy.keys")
_LEAST_BETWEEN = 0.5


class Keys:
    """The keys as last read."""

    def __init__(
        self,
        *,
        database_url: str,
        snapshot: Path,
        refresh: float,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = database_url
        self._snapshot = snapshot
        self._refresh = refresh
        self._clock = clock
        self._wall_clock = wall_clock
        self._table: dict[str, Key] = {}
        self._written: list[Key] | None = None
        self._read_at = float("-inf")
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._lock = threading.Lock()
        self.ready = False  # a table was loaded, from wherever
        self.problem = ""  # why the last read failed; empty when it did not

    @property
    def age(self) -> float:
        """Return the seconds since the database was last read."""
        return self._clock() - self._read_at

    def find(self, credential: Credential) -> Key | None:
        """Return the key, or None when it is not known or has expired."""
        key = self._table.get(credential.secret_hash)
        if key is None:
            return None
        if credential.public_key and credential.public_key != key.public_key:
            return None
        if key.expires and key.expires <= self._wall_clock():
            return None
        return key

    def unknown(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """Return a future that is done after a read of the database that began later than now."""
        future = loop.create_future()
        with self._lock:
            self._waiting.append(future)
        self._wake.set()
        return future

    def load(self) -> None:
        """Read once, now; fall back to the snapshot at the start."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            keys = read_database(self._url)
        except KeysUnreadable as error:
            if str(error) != self.problem:
                log.warning("keys cannot be read, going on with the last known: %s", error)
            self.problem = str(error)
            if not self.ready:
                self._load_snapshot()
        else:
            self._take(keys)
            self._read_at = self._clock()
            self.problem = ""
            self._keep_snapshot(keys)
        for future in waiting:
            try:
                future.get_loop().call_soon_threadsafe(_done, future)
            except RuntimeError:
                continue  # the loop is closed: nobody waits any more

    def _take(self, keys: list[Key]) -> None:
        self._table = {key.secret_hash: key for key in keys}
        self.ready = True

    def _load_snapshot(self) -> None:
        try:
            self._take(read_snapshot(self._snapshot))
        except KeysUnreadable as error:
            log.warning("no snapshot of the keys either: %s", error)

    def _keep_snapshot(self, keys: list[Key]) -> None:
        if keys == self._written:
            return
        try:
            write_snapshot(self._snapshot, keys)
            self._written = keys
        except OSError as error:
            log.warning("the snapshot of the keys cannot be written: %s", error)

    def start(self) -> None:
        """Read once, then go on in a thread."""
        self.load()
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(max(0.0, self._refresh - _LEAST_BETWEEN))
            self._wake.clear()
            if not self._stopped:
                try:
                    self.load()
                except Exception:  # whatever it is, the thread must live: without it no new key ever works
                    log.exception("reading the keys failed")
                time.sleep(_LEAST_BETWEEN)

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._wake.set()


def _done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
