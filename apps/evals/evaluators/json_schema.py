"""JSON Schema of any draft that the jsonschema package knows, within bounds. Pure: nothing is ever fetched.

Four keywords are checked by code of our own, because the package's cost is unbounded there: `pattern`,
`patternProperties` and `additionalProperties` search expressions in linear time, and `uniqueItems` sorts canonical
texts. A schema that calls on itself without end, or in ways that multiply, is stopped by a count of its references.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from apps.evals.evaluators.linear_regex import LinearRegex, RegexError

__all__ = ["JsonSchema", "SchemaProblem", "TooMuchWork"]

_MOST_REFERENCES = 50_000
_MOST_SCHEMA = 100_000  # characters of JSON
_MOST_SHOWN = 5


class SchemaProblem(ValueError):  # noqa: N818 - turned into an EvaluatorError at once
    """The schema itself cannot be used."""


class TooMuchWork(Exception):  # noqa: N818 - turned into a verdict's reason
    """The value was not checked to the end."""


class JsonSchema:
    """A checked schema."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:
        if len(json.dumps(schema)) > _MOST_SCHEMA:
            raise SchemaProblem(f"it is longer than {_MOST_SCHEMA:,} characters")
        self._schema = schema
        self._patterns: dict[str, LinearRegex] = {}
        kind = validator_for(schema, default=_newest())
        try:
            kind.check_schema(schema)
        except SchemaError as error:
            raise SchemaProblem(f"it is no JSON Schema: {error.message[:200]} at {_path(error)}") from error
        except RecursionError as error:
            raise SchemaProblem("it is nested too deeply") from error
        self._read(schema)
        self._references = 0
        own: dict[str, Any] = {
            "pattern": self._pattern,
            "patternProperties": self._pattern_properties,
            "additionalProperties": self._additional_properties,
            "uniqueItems": _unique_items,
        }
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in kind.VALIDATORS:
                own[keyword] = self._counted(kind.VALIDATORS[keyword])
        self._validator = extend(kind, own)(schema, registry=Registry())

    def problems(self, value: Any) -> list[str]:
        """Return what is wrong with a value, the first few; empty when nothing is. Raises TooMuchWork."""
        self._references = 0
        found: list[str] = []
        try:
            for error in self._validator.iter_errors(value):
                found.append(f"{_path(error)}: {error.message[:200]}")
                if len(found) == _MOST_SHOWN:
                    break
        except RecursionError as error:
            raise TooMuchWork("the schema calls on itself too deeply for this value") from error
        except (Unresolvable, RegexError) as error:
            raise TooMuchWork(f"the schema cannot be followed: {error}") from error
        return found

    def _read(self, part: Any) -> None:
        """Compile every expression, and refuse what would be fetched or cannot be bounded."""
        if isinstance(part, list):
            for item in part:
                self._read(item)
        if not isinstance(part, Mapping):
            return
        if "unevaluatedProperties" in part and "patternProperties" in json.dumps(self._schema):
            raise SchemaProblem("unevaluatedProperties beside patternProperties is not supported")
        for keyword, value in part.items():
            if keyword in {"$ref", "$dynamicRef"} and isinstance(value, str) and not value.startswith("#"):
                raise SchemaProblem(f"{keyword}={value!r} lies outside; only references such as #/$defs/name work")
            if keyword == "pattern" and isinstance(value, str):
                self._compile(value)
            if keyword == "patternProperties" and isinstance(value, Mapping):
                for expression in value:
                    self._compile(expression)
            self._read(value)

    def _compile(self, expression: str) -> None:
        try:
            self._patterns[expression] = LinearRegex(expression)
        except RegexError as error:
            raise SchemaProblem(f"its pattern cannot be used: {error}") from error

    def _matches(self, expression: str, text: str) -> bool:
        if expression not in self._patterns:
            self._compile(expression)
        return self._patterns[expression].found_in(text)

    def _counted(self, check: Any) -> Any:
        def follow(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
            self._references += 1
            if self._references > _MOST_REFERENCES:
                raise TooMuchWork(f"the schema followed more than {_MOST_REFERENCES:,} references")
            yield from check(validator, wanted, value, schema) or ()

        return follow

    def _pattern(self, _: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not self._matches(wanted, value):
            yield ValidationError(f"{value[:60]!r} does not match {wanted!r}")

    def _pattern_properties(self, validator: Any, wanted: Any, value: Any, _: Any) -> Iterator[ValidationError]:
        if isinstance(value, dict):
            for expression, schema in wanted.items():
                for name, inner in value.items():
                    if self._matches(expression, name):
                        yield from validator.descend(inner, schema, path=name, schema_path=expression)

    def _additional_properties(self, validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(value, dict):
            return
        named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, inner in value.items():
            if name in named or any(self._matches(expression, name) for expression in patterns):
                continue
            if isinstance(wanted, dict):
                yield from validator.descend(inner, wanted, path=name)
            elif wanted is False:
                yield ValidationError(f"{name[:60]!r} is not allowed here")


def _unique_items(_: Any, wanted: Any, value: Any, __: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list):
        seen = {json.dumps(_canonical(item), sort_keys=True) for item in value}
        if len(seen) < len(value):
            yield ValidationError("items are repeated")


def _canonical(value: Any) -> Any:
    """1 and 1.0 are one number to JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return {name: _canonical(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _path(error: ValidationError | SchemaError) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)[:200] or "top"


def _newest() -> Any:
    return validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"})
