"""The lock file is what `make lock` writes: every dependency pinned, for everybody, from nowhere in particular."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_OURS = f"{PROJECT['name']} (pyproject.toml)"


def plain(requirement: str) -> str:
    """The name of a requirement, as an index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement.strip(), maxsplit=1)[0]).lower()


def pinned() -> dict[str, str]:
    """Name of every pin → the comments below it, which say who needs it."""
    entries = re.findall(r"^([^\s#].*)\n((?:    #.*\n)*)", LOCK, re.MULTILINE)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[^\s;]+( ; .+)?", line) for line, _ in entries)
    return {plain(line): comments for line, comments in entries}


def test_every_dependency_is_pinned_and_says_that_it_is_ours() -> None:
    """A line that was added by hand says who else needs the package, not that pyproject.toml does."""
    asked = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    found = pinned()
    assert [one for one in asked if _OURS not in found.get(plain(one), "")] == []


def test_nothing_is_pinned_that_nobody_needs() -> None:
    """Each pin names who needs it: another pin, or pyproject.toml."""
    found = pinned()
    for name, comments in found.items():
        needed_by = re.findall(r"[\w.-]+(?= \(pyproject)|(?<=via )[\w.-]+|(?<=#   )[\w.-]+", comments)
        assert needed_by, name
        assert all(who == PROJECT["name"] or plain(who) in found for who in needed_by), name


def test_the_lock_knows_no_index_and_no_path() -> None:
    """Whoever installs says where from."""
    assert not re.search(r"://|^-|\bfile:| @ |(?:^|\s)/", LOCK, re.MULTILINE)
