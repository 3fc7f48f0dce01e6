"""Which SPANMETER_* variables the code reads, and with which default, found in its syntax."""

import ast
import re
from functools import cache

from tests.house.source import modules

__all__ = ["UNSET", "settings_read"]

READERS = {"text", "integer", "seconds", "flag", "choice"}
NAME = re.compile(r"SPANMETER_[A-Z0-9_]+[A-Z0-9]$")
UNSET = object()


@cache
def settings_read() -> dict[str, object]:
    """Return each variable with its default; UNSET where the default is computed or there is none."""
    found: dict[str, object] = {}
    for module in modules():
        if not module.path.startswith(("apps/", "proxy/", "ingestion/")):
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = node.args[0].value
            if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in READERS and found.get(name, UNSET) is UNSET:
                found[name] = _default(node)
    return found


def _default(call: ast.Call) -> object:
    given = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "default"), None)
    if given is None:
        return UNSET
    try:
        return eval(compile(ast.Expression(given), "default", "eval"), {"__builtins__": {}})  # noqa: S307
    except (NameError, TypeError):
        return UNSET
