"""`python -m proxy`: read the settings, run the gateway until SIGTERM or SIGINT, keep what is under way.

With several workers this process only holds the port and starts itself once for each: `--worker <slot> <descriptors>`.
"""

import logging
import os
import sys

from ingestion.settings import GatewaySettings, SettingsError
from proxy.listening import CannotListen, grpc_sockets, why_not
from proxy.workers import Workers, how_many, listening_sockets, own_command


def main(arguments: list[str]) -> int:
    """Run; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = GatewaySettings.read()
    except SettingsError as error:
        return _cannot(str(error))
    if arguments[:1] == ["--worker"]:
        from proxy.process import run

        slot, life, listener, *grpc = map(int, arguments[1:])
        return run(settings, slot=slot, listener=listener, grpc=next(iter(grpc), -1), life=life)
    workers = how_many(settings.workers, cores=len(os.sched_getaffinity(0)))
    if workers == 1:
        from proxy.process import run

        return run(settings)
    try:
        listeners = listening_sockets(settings.host, settings.port, count=workers)
        grpc_listeners = grpc_sockets(settings, count=workers)
    except OSError as error:
        return _cannot(why_not(error, settings.host, settings.port))
    except CannotListen as error:
        return _cannot(str(error))
    return Workers(own_command(), listeners, grpc_listeners).run()


def _cannot(why: str) -> int:
    print(f"gateway: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
