"""What others wrote is exactly what they published: checksums, versions and licences."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[3] / "frontend/static/vendor"
TEMPLATES = VENDOR.parents[1] / "templates"


def test_every_vendored_file_has_its_checksum() -> None:
    lines = (VENDOR / "CHECKSUMS").read_text().splitlines()
    listed = {name: checksum for checksum, name in (line.split("  ") for line in lines)}
    present = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name not in {"CHECKSUMS", "README.md"}
    }
    assert present == listed


def test_the_table_names_every_file_with_its_version() -> None:
    table = (VENDOR / "README.md").read_text()
    for path in VENDOR.rglob("*.[jw]*"):
        assert f"`{path.relative_to(VENDOR).as_posix()}`" in table
        version = re.search(r"-(\d+\.\d+\.\d+)\.", path.name)
        assert version is None or f"| {version[1]} |" in table


def test_templates_ask_for_files_that_exist() -> None:
    asked = {
        name for path in TEMPLATES.rglob("*.html") for name in re.findall(r"{% static '([^']+)' %}", path.read_text())
    }
    assert asked
    assert [name for name in asked if not (VENDOR.parent / name).is_file()] == []
