"""What may be set on an evaluator: declared once, read from JSON, shown as a form and as a schema. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EvaluatorError", "Setting", "read_settings", "schema_of"]

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "long_text": {"type": "string"},
    "choice": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "object": {"type": ["object", "boolean"]},
}


class EvaluatorError(ValueError):
    """A setting is wrong. `field` names it; the message shows the value and says what is accepted."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    `kind` is text, long_text, choice, number, integer, boolean, list (of texts) or object (any JSON object, or JSON
    text of one). `least` and `most` bound numbers; for texts `most` is their length, for lists their number of items.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    default: object = None
    required: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


def read_settings(settings: Iterable[Setting], value: object) -> dict[str, Any]:
    """Read every declared setting from a JSON object; what is absent, null or an empty text takes its default."""
    if not isinstance(value, Mapping):
        raise EvaluatorError("settings", f"{_shown(value)} is no object; give an object of named settings")
    declared = {setting.name: setting for setting in settings}
    for name, given in value.items():
        if name not in declared:
            accepted = ", ".join(declared) or "nothing"
            raise EvaluatorError(str(name), f"{name}={_shown(given)} is not known here; accepted: {accepted}")
    return {name: _read(setting, value.get(name)) for name, setting in declared.items()}


def schema_of(settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the settings as a JSON Schema object."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for setting in settings:
        shape = dict(_JSON_TYPES[setting.kind]) | {"title": setting.label}
        if setting.help:
            shape["description"] = setting.help
        if setting.choices:
            (shape["items"] if setting.kind == "list" else shape)["enum"] = list(setting.choices)
        if setting.default is not None:
            shape["default"] = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        if setting.kind in {"number", "integer"}:
            shape |= {"minimum": setting.least} if setting.least is not None else {}
            shape |= {"maximum": setting.most} if setting.most is not None else {}
        elif setting.most is not None:
            shape["maxItems" if setting.kind == "list" else "maxLength"] = int(setting.most)
        properties[setting.name] = shape
        if setting.required:
            required.append(setting.name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _read(setting: Setting, given: object) -> Any:
    if given is None or given == "":
        if setting.required:
            raise EvaluatorError(setting.name, f"{setting.name} is missing; give {_accepted(setting)}")
        return setting.default
    read = _READERS[setting.kind](setting, given)
    if read is None:
        raise EvaluatorError(setting.name, f"{setting.name}={_shown(given)} is not accepted; give {_accepted(setting)}")
    return read


def _text(setting: Setting, given: object) -> str | None:
    most = 20_000 if setting.most is None else setting.most
    if not isinstance(given, str) or len(given) > most or "\x00" in given:
        return None
    return None if setting.choices and given not in setting.choices else given


def _number(setting: Setting, given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if setting.least is not None and number < setting.least:
        return None
    return None if setting.most is not None and number > setting.most else number


def _integer(setting: Setting, given: object) -> int | None:
    number = _number(setting, given)
    return None if number is None or number != int(number) else int(number)


def _boolean(setting: Setting, given: object) -> bool | None:
    if isinstance(given, bool):
        return given
    return {"true": True, "on": True, "false": False, "off": False}.get(given) if isinstance(given, str) else None


def _list(setting: Setting, given: object) -> tuple[str, ...] | None:
    items = [line.strip() for line in given.splitlines()] if isinstance(given, str) else given
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and len(item) <= 500 for item in items):
        return None
    kept = tuple(dict.fromkeys(item for item in items if item))
    if len(kept) > (100 if setting.most is None else setting.most) or (setting.required and not kept):
        return None
    return None if setting.choices and not set(kept) <= set(setting.choices) else kept


def _object(setting: Setting, given: object) -> object:
    return given if isinstance(given, str | Mapping | bool) else None


_READERS = {
    "text": _text,
    "long_text": _text,
    "choice": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "list": _list,
    "object": _object,
}


def _accepted(setting: Setting) -> str:
    if setting.choices:
        return ("any of " if setting.kind == "list" else "one of ") + ", ".join(setting.choices)
    if setting.kind in {"number", "integer"}:
        bounds = [f"at least {setting.least:g}"] if setting.least is not None else []
        bounds += [f"at most {setting.most:g}"] if setting.most is not None else []
        return ("a whole number" if setting.kind == "integer" else "a number") + "".join(f", {one}" for one in bounds)
    return {
        "boolean": "true or false",
        "list": f"a list of up to {setting.most or 100:g} texts",
        "object": "a JSON object",
    }.get(setting.kind, f"a text of up to {setting.most or 20_000:g} characters")


def _shown(value: object) -> str:
    return repr(value)[:60]
