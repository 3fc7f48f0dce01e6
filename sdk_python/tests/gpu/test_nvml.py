"""GPUs through the seam, on the simulated library; and that the real library has what is asked of it."""

import ast
from pathlib import Path

import pytest
import spanmeter.gpu as package
from spanmeter.gpu import metric_names as names
from spanmeter.gpu.nvml import NvmlSource
from spanmeter.gpu.nvml_seam import MigInstance, Process
from spanmeter.gpu.point import Point
from spanmeter.gpu.simulated import SimulatedGpu, SimulatedNvml
from spanmeter.gpu.source import SourceFailed


def by_name(points: list[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    return found


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def gpus(clock: list[float]) -> list[SimulatedGpu]:
    return [SimulatedGpu(index, clock=lambda: clock[0]) for index in range(2)]


def test_everything_of_a_busy_gpu(gpus: list[SimulatedGpu], clock: list[float]) -> None:
    """In the convention's units, nothing rounded away."""
    gpu = gpus[0]
    gpu.load = 0.5
    clock[0] = 10.0
    gpu.running = [Process(4242, "vllm", 7 << 30), Process(1, "hidden", None)]
    gpu.mig = [MigInstance("MIG-1", "1g.10gb", 1 << 30, 10 << 30)]
    gpu.errors["uncorrected"] = 3
    source = NvmlSource(SimulatedNvml([gpu]))
    source.read()
    found = by_name(list(source.read()))
    assert found[names.GPU_UTILIZATION][0].value == 0.5
    assert found[names.POWER][0].value == 385.0
    assert found[names.ENERGY][0].value == 3850.0
    assert found[names.GPU_MEMORY_UTILIZATION][0].value == pytest.approx(0.5)
    assert {p.attributes["hw.gpu.unit"]: p.value for p in found[names.GPU_ACTIVITY]}["tensor"] == pytest.approx(0.3)
    assert [p.value for p in found[names.GPU_PROCESS_MEMORY]] == [7 << 30]
    assert [p.value for p in found[names.GPU_MEMORY_USAGE] if p.attributes.get("hw.parent") == gpu.uuid] == [1 << 30]
    assert {p.attributes["error.type"]: p.value for p in found[names.ERRORS]} == {
        "ecc.corrected": 0,
        "ecc.uncorrected": 3,
    }
    assert {p.attributes["hw.state"] for p in found[names.STATUS]} == {"ok"}


def test_throttling_by_reason(gpus: list[SimulatedGpu]) -> None:
    """Being idle is no throttling; the power cap is."""
    source = NvmlSource(SimulatedNvml(gpus))
    gpus[1].load = 1.0
    held = by_name(list(source.read()))[names.GPU_THROTTLED]
    slowed = {(p.attributes["hw.id"], p.attributes["spanmeter.gpu.reason"]) for p in held if p.value}
    assert slowed == {("GPU-simulated-1", "sw_power_cap")}


@pytest.mark.parametrize(
    ("what", "missing"),
    [
        ("utilization", names.GPU_UTILIZATION),
        ("memory", names.GPU_MEMORY_USAGE),
        ("power", names.POWER),
        ("energy", names.ENERGY),
        ("temperature", names.TEMPERATURE),
        ("clocks", names.GPU_CLOCK),
        ("throttle_reasons", names.GPU_THROTTLED),
        ("ecc_errors", names.ERRORS),
    ],
)
def test_an_error_is_a_missing_sample_and_never_a_zero(gpus: list[SimulatedGpu], what: str, missing: str) -> None:
    """And takes no other value with it."""
    source = NvmlSource(SimulatedNvml(gpus[:1]))
    before = set(by_name(list(source.read())))
    gpus[0].unreadable = {what}
    after = set(by_name(list(source.read())))
    assert missing in before - after
    assert len(after) >= len(before) - 3


def test_a_gpu_that_vanishes(gpus: list[SimulatedGpu]) -> None:
    """Its state says so; its values are missing; its neighbour is read; and it may come back."""
    source = NvmlSource(SimulatedNvml(gpus))
    source.read()
    gpus[0].lost = True
    points = [p for p in source.read() if p.attributes["hw.id"] == gpus[0].uuid]
    assert [(p.name, p.attributes["hw.state"]) for p in points] == [(names.STATUS, "failed")]
    neighbour = NvmlSource(SimulatedNvml(gpus[1:]))
    assert len(neighbour.read()) > 10
    gpus[0].lost = False
    assert len([p for p in source.read() if p.attributes["hw.id"] == gpus[0].uuid]) > 10


def test_a_library_that_does_not_work(gpus: list[SimulatedGpu]) -> None:
    """Nothing is sent in its name."""
    host = SimulatedNvml(gpus)
    host.broken = "Driver Not Loaded"
    with pytest.raises(SourceFailed, match="Driver Not Loaded"):
        NvmlSource(host).read()
    with pytest.raises(SourceFailed, match="no NVIDIA GPU"):
        NvmlSource(SimulatedNvml([])).read()


def test_the_real_library_has_every_name_that_is_asked_of_it() -> None:
    """No GPU is needed to see that a function or constant exists."""
    pynvml = pytest.importorskip("pynvml")
    tree = ast.parse((Path(package.__file__).parent / "nvml_library.py").read_text(encoding="utf-8"))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pynvml"
    }
    assert len(asked) > 30
    assert [name for name in asked if not hasattr(pynvml, name)] == []


def test_a_host_without_a_driver_says_so() -> None:
    """The real library on a machine without a GPU: a failed source, no crash."""
    pynvml = pytest.importorskip("pynvml")
    from spanmeter.gpu.nvml_library import LibraryNvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        with pytest.raises(SourceFailed, match="NVML"):
            NvmlSource(LibraryNvml()).read()
    else:
        assert NvmlSource(LibraryNvml()).read()
