"""Is the answer valid JSON, and of the expected shape? Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from apps.evals.evaluators.base import EvaluatorError, Setting, Subject, Verdict
from apps.evals.evaluators.json_schema import JsonSchema, SchemaProblem, TooMuchWork
from apps.evals.evaluators.reading import answer_of
from apps.evals.evaluators.settings import read_settings

__all__ = ["JsonValid"]

_MOST_READ = 5_000_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValid:
    """Reads the answer as JSON by the letter of RFC 8259 (no NaN, no comments), and checks it with a JSON Schema."""

    name: ClassVar[str] = "json_valid"
    version: ClassVar[str] = "1"
    title: ClassVar[str] = "Valid JSON"
    help: ClassVar[str] = "True when the answer is JSON and, if a schema is given, fits it."
    data_type: ClassVar[str] = "boolean"
    asks: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            name="schema",
            label="JSON Schema",
            kind="object",
            help="Drafts 3 to 2020-12, by $schema. References within the schema only. Empty: any JSON.",
        ),
        Setting(
            name="fence",
            label="Allow a code fence",
            kind="boolean",
            default=False,
            help="Takes JSON that stands alone between ```json and ```.",
        ),
    )

    schema: object = None
    fence: bool = False
    _checked: JsonSchema | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """Read the settings; a schema may be an object or the JSON text of one."""
        read = read_settings(cls.settings, value)
        schema = read["schema"]
        if isinstance(schema, str):
            try:
                schema = json.loads(schema)
            except (ValueError, RecursionError) as error:
                raise EvaluatorError("schema", f"schema={schema[:60]!r} is no JSON: {error}") from error
        if schema is None:
            return cls(fence=read["fence"])
        if not isinstance(schema, Mapping | bool):
            raise EvaluatorError("schema", f"schema={str(schema)[:60]!r} is no JSON Schema; give an object")
        try:
            return cls(schema=schema, fence=read["fence"], _checked=JsonSchema(schema))
        except SchemaProblem as error:
            raise EvaluatorError("schema", f"schema={json.dumps(schema)[:60]} cannot be used: {error}") from error

    def judge(self, subject: Subject) -> Verdict:
        """True when it is JSON and fits. An empty answer is not JSON."""
        answer = answer_of(subject.output).strip()
        if len(answer) > _MOST_READ:
            return Verdict(reason=f"too long to check: {len(answer):,} characters, at most {_MOST_READ:,}")
        try:
            value = json.loads(_unfenced(answer) if self.fence else answer, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            return Verdict(value=False, comment=f"not JSON: {said}"[:500] if answer else "not JSON: it is empty")
        if self._checked is None:
            return Verdict(value=True)
        try:
            problems = self._checked.problems(value)
        except TooMuchWork as error:
            return Verdict(reason=str(error))
        return Verdict(value=not problems, comment="\n".join(problems))


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _unfenced(text: str) -> str:
    first, _, rest = text.partition("\n")
    if first.strip() in {"```", "```json", "```JSON"} and rest.rstrip().endswith("```"):
        return rest.rstrip()[:-3]
    return text
