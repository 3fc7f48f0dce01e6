"""Every page that the code or another page points to exists, and what README and CONTRIBUTING say to type is there."""

import re
import subprocess
from pathlib import PurePosixPath

from tests.house.source import ROOT, texts

MENTION = re.compile(r"\b(docs/[a-z0-9_./-]+\.(?:md|png))\b")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)")
COMMAND = re.compile(r"\bmake ([a-z]+)\b")


def test_pages_that_are_mentioned_exist() -> None:
    """A docstring that sends people to a page that is not there is worse than none."""
    missing = {
        f"{path}: {name}"
        for path, text in texts()
        for name in MENTION.findall(text)
        if not (ROOT / name).exists() and not path.startswith("tests/")
    }
    assert missing == set()


def test_links_between_pages_resolve() -> None:
    """Relative to the page they stand on."""
    missing = {
        f"{path}: {target}"
        for path, text in texts()
        if path.endswith(".md") and not path.startswith("bench/results/")
        for target in LINK.findall(text)
        if not (ROOT / PurePosixPath(path).parent / target).exists()
    }
    assert missing == set()


def test_commands_in_the_documentation_exist() -> None:
    """`make help` is the list."""
    known = set(re.findall(r"make (\w+)", subprocess.check_output(["make", "help"], cwd=ROOT, text=True)))
    known |= {"lock", "contracts"}
    pages = " ".join(text for path, text in texts() if path in {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    code = " ".join(re.findall(r"`[^`]*`|```.*?```", pages, re.DOTALL))
    assert set(COMMAND.findall(code)) <= known
