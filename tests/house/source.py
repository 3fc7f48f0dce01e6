"""The files that the architecture tests look at, read once."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "Module", "modules", "texts"]

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("apps", "proxy", "ingestion", "sdk_python", "bench", "tests")
SKIPPED = {"__pycache__", ".cache", "node_modules", "vendor", "collected", "build", ".venv", ".spanmeter"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".html", ".css", ".js", ".sql", ".proto", ".cfg", ".ini", ".lock", ""}


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.text.count("\n")


def _kept(path: Path) -> bool:
    return path.is_file() and not SKIPPED.intersection(path.relative_to(ROOT).parts)


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of the project."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if _kept(path):
                text = path.read_text(encoding="utf-8")
                found.append(Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    return tuple(found)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return path and content of every text file of the project."""
    below = [path for folder in (*ROOMS, "docs", "frontend", ".ci") for path in sorted((ROOT / folder).rglob("*"))]
    beside = [path for path in sorted(ROOT.iterdir()) if path.name != "LICENSE" and not path.name.startswith(".git")]
    return tuple(
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace"))
        for path in (*below, *beside)
        if _kept(path) and path.suffix in TEXT and ".egg-info" not in str(path)
    )
