"""What the agent asks of NVML: few questions, each answered or refused by itself.

`Unreadable` is an answer that is missing, `Gone` a GPU that fell off the bus. The real library stands behind this in
nvml_library.py, and the simulated one in simulated.py; nothing else knows which of them it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Gone", "Gpu", "MigInstance", "Nvml", "Process", "Unreadable"]


class Unreadable(RuntimeError):  # noqa: N818 - the name says what happened
    """This one value cannot be read: not supported, not permitted, or not now."""


class Gone(RuntimeError):  # noqa: N818 - the name says what happened
    """The GPU itself no longer answers."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process on a GPU. `memory` is None where the driver does not tell."""

    pid: int
    name: str
    memory: int | None


@dataclass(frozen=True, slots=True)
class MigInstance:
    """A part of a GPU that is a GPU to its users."""

    uuid: str
    name: str
    used: int
    total: int


class Gpu(Protocol):
    """One GPU. Units are the library's own: milliwatts, millijoules, megahertz, per cent, bytes."""

    @property
    def uuid(self) -> str:
        """Its name in the world."""

    @property
    def index(self) -> int:
        """Its place in this host."""

    @property
    def model(self) -> str:
        """What it is sold as."""

    def utilization(self) -> int:
        """Per cent of the last period in which a kernel ran."""

    def memory(self) -> tuple[int, int]:
        """Bytes used and in all."""

    def power(self) -> int:
        """Milliwatts now."""

    def power_limit(self) -> int:
        """Milliwatts at most."""

    def energy(self) -> int:
        """Millijoules since the driver was loaded."""

    def temperature(self) -> int:
        """Degrees Celsius."""

    def clocks(self) -> Mapping[str, tuple[int, int]]:
        """Megahertz now and at most, by `sm` and `memory`."""

    def throttle_reasons(self) -> int:
        """The library's bits."""

    def ecc_errors(self) -> Mapping[str, int]:
        """Counts since the driver was loaded, by `corrected` and `uncorrected`."""

    def processes(self) -> Sequence[Process]:
        """Who computes on it."""

    def activity(self) -> Mapping[str, float]:
        """Per cent since the last call, by `sm`, `tensor` and `dram`; empty at the first call."""

    def mig_instances(self) -> Sequence[MigInstance]:
        """Its parts; none when it is whole."""


class Nvml(Protocol):
    """A host's GPUs."""

    def driver_version(self) -> str:
        """As the driver says it."""

    def gpus(self) -> Sequence[Gpu]:
        """Return those that answer now. Raises Unreadable when the library does not work."""
