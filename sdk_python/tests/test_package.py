"""The package is importable by its name, typed, small at its surface, and stands alone."""

import ast
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import spanmeter
from spanmeter._settings import VARIABLES

from .conftest import FakeGateway

SOURCE = Path(spanmeter.__file__).parent
README = Path(__file__).parents[1] / "README.md"
DOCS = Path(__file__).parents[2] / "docs" / "sdk.md"


def test_it_says_its_version_and_carries_types() -> None:
    """Type checkers look for py.typed; people look for __version__."""
    assert spanmeter.__version__.count(".") == 2
    assert resources.files("spanmeter").joinpath("py.typed").is_file()


def test_it_imports_nothing_of_the_server() -> None:
    """Whoever installs the client must not need the server, nor the client libraries that it can wrap."""
    forbidden = {"apps", "proxy", "ingestion", "django", "openai", "requests", "httpx"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [name for name in names if name.split(".")[0] in forbidden], path


def test_what_is_public_is_what_is_named() -> None:
    """A name is a promise: what is importable without an underscore is in the list, and the list is in the docs."""
    modules = {"gpu", "integrations", "testing"}
    public = {name for name in vars(spanmeter) if not name.startswith("_")} - modules
    assert public | {"__version__"} == set(spanmeter.__all__)
    page = DOCS.read_text(encoding="utf-8")
    types = {"Span", "Generation", "CurrentSpan", "__version__"}
    assert [name for name in spanmeter.__all__ if name not in types and f"`{name}" not in page.replace("@", "")] == []


def test_every_setting_is_documented() -> None:
    page = DOCS.read_text(encoding="utf-8")
    wanted = [*VARIABLES, *(variable for variables in VARIABLES.values() for variable in variables)]
    assert [name for name in wanted if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", [README, DOCS])
def test_the_examples_run_and_arrive(
    path: Path, configured: Any, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As they stand, told by the environment; the first trace of the README takes five lines."""
    monkeypatch.setenv("SPANMETER_BASE_URL", gateway.url)
    monkeypatch.setenv("SPANMETER_API_KEY", "sm-sk-docs")
    monkeypatch.setenv("SPANMETER_OFFLINE_DIR", str(tmp_path))
    provider = configured()
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    blocks = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in blocks[0].splitlines() if line]) <= 5 or path == DOCS
    for block in blocks:
        exec(compile(block, path.name, "exec"), {"__name__": "example"})  # noqa: S102
    assert spanmeter.flush(10)
    names = {span.name for span in gateway.spans()}
    assert ({"<lambda>", "reply", "search", "chat gpt-4o"} if path == README else {"answer", "chat gpt-4o"}) <= names
    assert len(gateway.events()) == 1
    assert spanmeter.stats()["faults"] == {}
