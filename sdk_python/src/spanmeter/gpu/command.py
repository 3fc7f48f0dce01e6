"""`spanmeter gpu`: the command line. Puts the agent together, and says what is wrong in one line."""

import argparse
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from threading import Event

from spanmeter import __version__
from spanmeter._settings import SettingError, read_settings
from spanmeter.gpu.agent import Agent
from spanmeter.gpu.claim import AlreadyWatched, claim, claims_folder
from spanmeter.gpu.nvml import NvmlSource
from spanmeter.gpu.registry import SERVERS, server_named
from spanmeter.gpu.sending import Sending
from spanmeter.gpu.serving import ServingSource
from spanmeter.gpu.simulated import SimulatedGpu, SimulatedNvml
from spanmeter.gpu.source import Source

__all__ = ["main", "source_from"]


class WrongCommand(ValueError):  # noqa: N818 - the name says what happened
    """The command line cannot be carried out; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `spanmeter`; returns the exit status."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        return _run(given)
    except (WrongCommand, SettingError, AlreadyWatched) as error:
        sys.stderr.write(f"spanmeter gpu: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spanmeter", description="The command line of the Spanmeter client.")
    commands = parser.add_subparsers(dest="command", required=True)
    kinds = ", ".join(server.name for server in SERVERS)
    gpu = commands.add_parser("gpu", help="watch this host's GPUs and inference servers")
    gpu.add_argument(
        "sources",
        nargs="*",
        default=["nvml"],
        metavar="SOURCE",
        help=f"nvml, simulated[=GPUS], or SERVER=ADDRESS with SERVER one of {kinds}; default: nvml",
    )
    gpu.add_argument("--gateway", help="the gateway's address; default: SPANMETER_BASE_URL")
    gpu.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="time between readings; default: 10")
    gpu.add_argument("--host", default="", help="this host's name in the data; default: what the system says")
    gpu.add_argument("--model", default="", help="the model that the servers serve, where their pages do not say")
    gpu.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="sent with everything")
    gpu.add_argument("--once", action="store_true", help="read once, send, and end")
    return parser


def source_from(text: str, *, model: str = "") -> Source:
    """Return the source that a word of the command line names. Raises WrongCommand."""
    name, _, address = text.partition("=")
    if name == "nvml":
        try:
            from spanmeter.gpu.nvml_library import LibraryNvml
        except ImportError as error:
            raise WrongCommand(
                "reading NVIDIA's GPUs needs nvidia-ml-py: pip install 'spanmeter[gpu]', or name other sources"
            ) from error
        return NvmlSource(LibraryNvml())
    if name == "simulated":
        if not (address or "1").isdigit() or not 1 <= int(address or 1) <= 64:
            raise WrongCommand(f"{text!r}: write simulated=N with N from 1 to 64")
        return NvmlSource(SimulatedNvml([SimulatedGpu(index) for index in range(int(address or 1))]))
    try:
        server = server_named(name)
        found = ServingSource(server, address, model=model) if address else None
    except ValueError as error:
        raise WrongCommand(str(error)) from error
    if found is None:
        raise WrongCommand(f"{text!r}: say where it is, as {name}=http://127.0.0.1:{server.default_port}")
    return found


def _labels(given: Sequence[str]) -> dict[str, str]:
    labels = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise WrongCommand(f"--label {text!r}: write it as key=value")
        labels[f"spanmeter.label.{key}"] = value
    return labels


def _run(given: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> int:
    if not 0.1 <= given.every <= 3600:
        raise WrongCommand(f"--every {given.every}: expected 0.1 to 3600 seconds")
    settings = read_settings({"base_url": given.gateway}, environment)
    if not settings.api_key:
        raise WrongCommand("no key: set SPANMETER_API_KEY to a secret key of the project (its page Keys makes one)")
    sources = [source_from(text, model=given.model) for text in given.sources]
    simulated = any(text.partition("=")[0] == "simulated" for text in given.sources)
    held = [claim(source.name, source.place, folder=claims_folder()) for source in sources]
    sending = Sending(settings, agent=f"spanmeter-gpu/{__version__}")
    resource = {
        "host.name": given.host or socket.gethostname(),
        "service.name": "spanmeter-gpu",
        **({"spanmeter.simulated": "true"} if simulated else {}),
        **_labels(given.label),
    }
    agent = Agent(sources, takes=sending, resource=resource, clock_ns=time.time_ns, version=__version__)
    try:
        if given.once:
            agent.turn()
            sending.send_waiting()
            return 0 if sending.delivery.delivered else 1
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        agent.run(stop, every=given.every)
        return 0
    finally:
        sending.close()
        for descriptor in held:
            os.close(descriptor)


if __name__ == "__main__":
    raise SystemExit(main())
