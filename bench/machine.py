"""The facts of this machine that a number means nothing without."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

__all__ = ["machine_facts", "machine_name"]


def machine_facts() -> dict[str, str]:
    """Return processor, cores, memory, kernel and the versions of the programs that take part."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "nginx": _version("nginx", "-v"),
        "wrk": _version("wrk", "-v"),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "commit": _version("git", "rev-parse", "--short", "HEAD"),
    }


def machine_name(facts: dict[str, str]) -> str:
    """Return a short name for a file: cores and memory."""
    kilobytes = int(facts["memory"].split()[0]) if facts["memory"] else 0
    return f"{facts['cores']}cores-{round(kilobytes / 2**20)}gib"


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _version(*command: str) -> str:
    if not shutil.which(command[0]):
        return "not installed"
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().splitlines()[0]
