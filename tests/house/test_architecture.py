"""The house rules that a reviewer would otherwise have to remember."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.source import ROOT, modules, texts

MOST_LINES = 500
VAGUE_FILES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "constants", "mixins", "base_utils"}
VAGUE_CLASSES = re.compile(r"(Manager|Helper|Processor|Util|Utils)$")
STATEMENT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|CREATE\s+(TABLE|MATERIALIZED|OR)\s|ALTER\s+TABLE\s|DELETE\s+FROM\s|DROP\s+TABLE\s|TRUNCATE\s)"
)
SQL_ADDRESSES = ("ingestion/store/", "apps/analytics/sql/", "proxy/keys", "bench/", "tests/")
ENVIRONMENT_ADDRESSES = ("ingestion/settings.py", "apps/config/", "tests/", "bench/", "sdk_python/")
ENTRANCES = ("__main__.py", "manage.py")
# Spelled in pieces, so that this file does not hold what it forbids.
FOREIGN = [
    re.compile(pattern)
    for pattern in (
        "/wo" + "rk/",
        "/ro" + "ot/",
        "/tmp" + "/x/",
        "files.python" + "hosted",
        "deb.debian" + r"\.org",
        "registry.npm" + "js",
        "Co-auth" + "ored-by",
        r"(?i)\bissue " + r"#?\d",
        r"(?i)\b(claude" + r" code|chat" + r"gpt wrote|gener" + r"ated by an? (ai|llm))\b",
    )
]


def test_import_contracts_hold() -> None:
    """Rooms import downwards only; the contracts stand in pyproject.toml."""
    result = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout


def test_modules_stay_small() -> None:
    """Past this length a module has two subjects."""
    assert {module.path: module.lines for module in modules() if module.lines > MOST_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    """A docstring at the head of each file that holds code."""
    assert [
        module.path
        for module in modules()
        if module.tree.body and not ast.get_docstring(module.tree) and "/migrations/" not in module.path
    ] == []


def test_no_vague_names() -> None:
    """If something has no home, a noun is missing."""
    files = [module.path for module in modules() if VAGUE_FILES.intersection(Path(module.path).with_suffix("").parts)]
    classes = [
        f"{module.path}: {node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and VAGUE_CLASSES.search(node.name) and not _is_django_manager(node)
    ]
    assert (files, classes) == ([], [])


def _is_django_manager(node: ast.ClassDef) -> bool:
    """Django's own word for a table's constructor; it leaves no choice."""
    return node.name.endswith("Manager") and any("Manager" in ast.unparse(base) for base in node.bases)


def test_no_swallowed_errors_and_nothing_left_to_do() -> None:
    """No `except Exception: pass`, no reminder of work left."""
    swallowed = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and _catches_all(node)
        and all(isinstance(s, ast.Pass) for s in node.body)
    ]
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
    left = [path for path, text in texts() if words.search(text) and path != "tests/house/test_architecture.py"]
    assert (swallowed, left) == ([], [])


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}


def test_sql_lives_at_its_addresses() -> None:
    """DDL and INSERT in ingestion/store, SELECT in apps/analytics/sql, one key SELECT in proxy/keys."""
    strays = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.path.startswith(SQL_ADDRESSES) and "/migrations/" not in module.path
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and STATEMENT.match(node.value)
        and node.value != "SELECT 1"
    ]
    assert strays == []


def test_the_environment_is_read_in_one_place() -> None:
    """Settings are values that are passed; only settings modules and entrances look at os.environ."""
    strays = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.path.startswith(ENVIRONMENT_ADDRESSES) and not module.path.endswith(ENTRANCES)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert strays == []


def test_texts_speak_of_the_product_alone() -> None:
    """No path of somebody's machine, no package host, nothing about how or by whom it was written."""
    found = [
        f"{path}: {match.group()}" for path, text in texts() for pattern in FOREIGN if (match := pattern.search(text))
    ]
    assert found == []


def test_what_packages_read_is_packaged() -> None:
    """A file beside the code that no wheel would carry works only here."""
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    left_out = [
        path.relative_to(ROOT).as_posix()
        for room in ("apps", "proxy", "ingestion")
        for path in (ROOT / room).rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc", ".md"}
        and not any(path.match(glob) for glob in globs)
        and "__pycache__" not in path.parts
    ]
    assert left_out == []


def test_the_lock_pins_every_dependency() -> None:
    """pyproject.toml and requirements.lock are in step, and the lock holds versions only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[\[<>=;! ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith(" ")}
    assert names <= pinned, f"run `make lock`: {sorted(names - pinned)}"
    assert "://" not in lock
    assert " @ " not in lock


PROXY_MAY_SEE = (
    "ingestion.envelope",
    "ingestion.spool",
    "ingestion.providers.routes",
    "ingestion.settings",
    "ingestion.ids",
    "ingestion.drops",
)


def test_the_gateway_sees_little_of_ingestion() -> None:
    """Nothing that would load a store, a price or a reader into the process that forwards bytes."""
    strays = [
        f"{module.path}: {name}"
        for module in modules()
        if module.path.startswith("proxy/")
        for name in imported(module.tree)
        if name.startswith(("ingestion", "apps")) and not name.startswith(PROXY_MAY_SEE)
    ]
    assert strays == []


def test_readers_and_conventions_are_registered() -> None:
    """A file that nobody asks is dead; shapes, bases and the registry itself are asked by others."""
    providers = (ROOT / "ingestion" / "providers" / "registry.py").read_text()
    conventions = (ROOT / "ingestion" / "conventions" / "__init__.py").read_text()
    left_out = [
        path.relative_to(ROOT).as_posix()
        for folder, registry in (("providers", providers), ("conventions", conventions))
        for path in (ROOT / "ingestion" / folder).glob("*.py")
        if path.stem not in {"__init__", "base", "registry", "routes"} and path.stem not in registry
    ]
    assert left_out == []


def test_every_benchmark_row_is_in_the_table() -> None:
    """A row that is not listed is never measured."""
    registry = (ROOT / "bench" / "rows" / "__init__.py").read_text()
    rows = {path.stem for path in (ROOT / "bench" / "rows").glob("*.py")} - {"__init__"}
    assert {name for name in rows if f'"{name}": {name}' not in registry} == set()


def imported(tree: ast.Module) -> list[str]:
    """Return the full names of what a module imports."""
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names
