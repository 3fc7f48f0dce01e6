"""`python -m ingestion.store.server`: serve the embedded store until SIGTERM or Ctrl-C."""

import logging
import signal
import socket
import sys
import threading
from pathlib import Path

from ingestion.settings import SettingsError, StoreSettings
from ingestion.store.server.background import give_way_soon
from ingestion.store.server.config import engine_config
from ingestion.store.server.connection import Service
from ingestion.store.server.directory import DirectoryInUse, DirectoryLock
from ingestion.store.server.engine import Engine, EngineError
from ingestion.store.server.listener import Listener
from ingestion.store.server.tokens import forget_lost_tokens
from ingestion.store.server.watcher import Watcher

log = logging.getLogger("store")
HOST = "127.0.0.1"
USER = "spanmeter"
PATIENCE = 30.0  # seconds that a stop waits for inserts


def bind(port: int) -> socket.socket:
    """Return a listening socket on loopback, or exit with a line that names the port and its setting."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sys.exit(f"store: port {port} on {HOST} is taken ({error.strerror}); set SPANMETER_STORE_PORT to a free one")
    sock.listen(128)
    return sock


def serve(settings: StoreSettings) -> None:
    """Open the engine, say that it is ready, serve, close."""
    directory = settings.home / "store"
    with DirectoryLock(directory, port=settings.port):
        sock = bind(settings.port)
        engine = open_engine(directory, settings.memory_bytes)
        threading.Thread(target=give_way_soon, name="give way", daemon=True).start()
        watcher = Watcher()
        service = Service(engine=engine, watcher=watcher, user=USER, password=settings.password)
        listener = Listener(sock, service)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: listener.stop())
        print(f"store: ready on {HOST}:{settings.port}, ClickHouse {engine.version}, data in {directory}", flush=True)
        listener.serve()
        listener.drain(patience=PATIENCE)
        watcher.close()
        engine.close()
    print("store: stopped", flush=True)


def open_engine(directory: Path, memory_bytes: int) -> Engine:
    """Write the engine's configuration, undo what a kill left half done, and open it."""
    config = directory / "engine.xml"
    config.write_text(engine_config(memory_bytes=memory_bytes), encoding="utf-8")
    forgotten = forget_lost_tokens(directory)
    if forgotten:
        log.info("an insert was cut off by a kill: %d of its blocks will be taken when it is repeated", forgotten)
    try:
        return Engine(directory, config)
    except EngineError as error:
        sys.exit(f"store: cannot open {directory}: {error.message}")


def main() -> None:
    """Read the settings and serve."""
    logging.basicConfig(level=logging.INFO, format="store: %(message)s")
    try:
        settings = StoreSettings.read()
        if not settings.embedded:
            sys.exit(
                "store: SPANMETER_CLICKHOUSE_URL is set, so there is no embedded store to serve; unset it to have one"
            )
        if not settings.password:
            sys.exit("store: no password; set SPANMETER_STORE_PASSWORD or start with `make up`, which makes one")
        serve(settings)
    except (SettingsError, DirectoryInUse) as error:
        sys.exit(f"store: {error}")


if __name__ == "__main__":
    main()
