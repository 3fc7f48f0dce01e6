"""One gateway process: the loop, the signals, and the end."""

import asyncio
import gc
import logging
import signal
import socket
import sys

import uvloop

from ingestion.settings import GatewaySettings, SettingsError
from proxy.gateway import Gateway, raise_file_limit
from proxy.listening import CannotListen, grpc_sockets

__all__ = ["run"]

log = logging.getLogger("proxy")


async def _serve(
    settings: GatewaySettings, *, slot: int, listener: socket.socket | None, grpc: socket.socket | None, life: int
) -> None:
    loop = asyncio.get_running_loop()
    gateway = Gateway(settings, loop=loop, slot=slot, listener=listener, grpc_listener=grpc)
    port = await gateway.start()
    stop = asyncio.Event()
    at_once = asyncio.Event()

    def on_signal() -> None:
        (at_once if stop.is_set() else stop).set()

    def on_orphaned() -> None:
        loop.remove_reader(life)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if life >= 0:
        loop.add_reader(life, on_orphaned)  # its other end is our parent's, and closes with it
    log.info("gateway listens on http://%s:%d", settings.host, port)
    if grpc is not None:
        log.info("OTLP over gRPC is served on %s:%d", settings.host, grpc.getsockname()[1])
    await stop.wait()
    log.info("stopping: no new connections, %d exchanges under way", gateway.services.metrics.in_flight)
    stopping = asyncio.create_task(gateway.stop())
    hurry = asyncio.create_task(at_once.wait())
    await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        stopping.cancel()
        await gateway.stop(grace=0.0)
    hurry.cancel()


def run(settings: GatewaySettings, *, slot: int = -1, listener: int = -1, grpc: int = -1, life: int = -1) -> int:
    """Serve until told to stop; returns the exit status. All but `settings`: as one of several (workers.py)."""
    try:
        raise_file_limit()
        if slot < 0:
            accepting, calls = None, next(iter(grpc_sockets(settings, count=1)), None)
        else:
            accepting = socket.socket(fileno=listener)
            calls = socket.socket(fileno=grpc) if grpc >= 0 else None
        if calls is not None:
            import proxy.grpc.connection  # noqa: F401 - loaded now, it is among what the collector leaves alone
        # What is loaded now stays: the collector need not look at it again for every few thousand requests.
        gc.collect()
        gc.freeze()
        # Exchanges end without cycles, so the collector finds little: let it look less often.
        gc.set_threshold(20_000, 20, 20)
        uvloop.run(_serve(settings, slot=slot, listener=accepting, grpc=calls, life=life))
    except (SettingsError, CannotListen) as error:
        print(f"gateway: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        return 2
    except OSError as error:
        print(f"gateway: {error}. SPANMETER_HOME must be a directory that can be written.", file=sys.stderr)  # noqa: T201
        return 2
    return 0
