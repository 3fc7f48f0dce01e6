"""A simulated NVML: GPUs that do not exist, for machines without any, for tests and for trying the agent out.

THIS IS A SIMULATION. Its numbers follow from a load and the clock by simple rules of thumb (docs/gpu.md says which);
they are not recordings, and what the agent sends of it is marked `spanmeter.simulated`.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from spanmeter.gpu.nvml_seam import Gone, Gpu, MigInstance, Process, Unreadable

__all__ = ["SimulatedGpu", "SimulatedNvml"]

_GIB = 1024**3
_IDLE_WATTS = 70.0


class SimulatedGpu:
    """One GPU. `load` is set by whoever simulates, from 0 to 1; `lost` and `unreadable` make it misbehave."""

    def __init__(
        self,
        index: int = 0,
        *,
        model: str = "Simulated 80GB",
        memory: int = 80 * _GIB,
        watts: float = 700.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.index = index
        self.uuid = f"GPU-simulated-{index}"
        self.model = model
        self.lost = False
        self.unreadable: set[str] = set()
        self.mig: list[MigInstance] = []
        self.running: list[Process] = []
        self.errors = {"corrected": 0, "uncorrected": 0}
        self._total = memory
        self._watts = watts
        self._clock = clock
        self._load = 0.0
        self._joules = 0.0
        self._since = clock()
        self._asked_before = False

    @property
    def load(self) -> float:
        """How busy it is."""
        return self._load

    @load.setter
    def load(self, load: float) -> None:
        self._spend()
        self._load = min(1.0, max(0.0, load))

    def _draw(self) -> float:
        return _IDLE_WATTS + (self._watts - _IDLE_WATTS) * self._load

    def _spend(self) -> None:
        now = self._clock()
        self._joules += self._draw() * max(0.0, now - self._since)
        self._since = now

    def _answer(self, what: str) -> None:
        if self.lost:
            raise Gone("GPU is lost (simulated)")
        if what in self.unreadable:
            raise Unreadable(f"{what}: not supported (simulated)")

    def utilization(self) -> int:
        """The load."""
        self._answer("utilization")
        return round(self._load * 100)

    def memory(self) -> tuple[int, int]:
        """A tenth when idle, nine tenths under full load."""
        self._answer("memory")
        return int(self._total * (0.1 + 0.8 * self._load)), self._total

    def power(self) -> int:
        """From idle to its most, with the load."""
        self._answer("power")
        return round(self._draw() * 1000)

    def power_limit(self) -> int:
        """Its most."""
        self._answer("power_limit")
        return round(self._watts * 1000)

    def energy(self) -> int:
        """Power times the time it was drawn."""
        self._answer("energy")
        self._spend()
        return int(self._joules * 1000)

    def temperature(self) -> int:
        """35 to 83 degrees."""
        self._answer("temperature")
        return round(35 + 48 * self._load)

    def clocks(self) -> Mapping[str, tuple[int, int]]:
        """The SM clock follows the load."""
        self._answer("clocks")
        return {"sm": (round(345 + 1635 * self._load), 1980), "memory": (2619, 2619)}

    def throttle_reasons(self) -> int:
        """Idle, nothing, or its power cap above 95 % load."""
        self._answer("throttle_reasons")
        return 0x1 if self._load == 0 else 0x4 if self._load > 0.95 else 0

    def ecc_errors(self) -> Mapping[str, int]:
        """What `errors` says."""
        self._answer("ecc_errors")
        return dict(self.errors)

    def processes(self) -> Sequence[Process]:
        """What `running` says."""
        self._answer("processes")
        return list(self.running)

    def activity(self) -> Mapping[str, float]:
        """Tensor cores at six tenths of the load, memory at eight tenths."""
        self._answer("activity")
        if not self._asked_before:
            self._asked_before = True
            return {}
        return {"sm": self._load * 90, "tensor": self._load * 60, "dram": self._load * 80}

    def mig_instances(self) -> Sequence[MigInstance]:
        """What `mig` says."""
        self._answer("mig_instances")
        return list(self.mig)


class SimulatedNvml:
    """A host of simulated GPUs."""

    def __init__(self, gpus: Sequence[SimulatedGpu]) -> None:
        self._gpus = gpus
        self.broken = ""

    def driver_version(self) -> str:
        """Says what it is."""
        return "simulated"

    def gpus(self) -> Sequence[Gpu]:
        """All of them, also those that are lost: asking them tells."""
        if self.broken:
            raise Unreadable(self.broken)
        return list(self._gpus)
