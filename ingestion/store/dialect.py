"""One schema, two dialects: the MergeTree family on one machine, Replicated* tables behind Distributed ones on a
cluster.

The SQL files say what they mean by placeholders, and this module alone knows what that is in each dialect:

    {{table:spans}}                          the table that holds rows: `spans`, on a cluster `spans_local`
    {{view:spans_mv}}                        a materialized view
    {{engine:ReplacingMergeTree:spans:v}}    ENGINE = …, for that table, with the engine's own arguments after it
    {{dedup}}                                the table setting that remembers the tokens of inserts

On a cluster, CREATE, ALTER and DROP run ON CLUSTER, and every table that is created gets its Distributed twin under
the plain name, which all reads and inserts use. Pure.
"""

import re
from dataclasses import dataclass

__all__ = ["DEDUPLICATION_WINDOW", "Dialect", "DialectError", "statements"]

# Tokens of so many blocks are remembered per table. A batch is repeated at once or not at all; a block per month it
# touches.
DEDUPLICATION_WINDOW = 1000

# Which rows belong on the same shard. A replay must go where the first try went, so nothing here is random.
_SHARDED_BY = {
    "spans": "cityHash64(trace_id)",
    "trace_index": "cityHash64(trace_id)",
    "scores": "cityHash64(id)",
    "gpu_samples": "cityHash64(host, device)",
}
_SHARDED_BY_DEFAULT = "cityHash64(project_id)"

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_SUBJECT = re.compile(
    r"^(?P<verb>CREATE TABLE|CREATE MATERIALIZED VIEW|CREATE VIEW|ALTER TABLE|DROP TABLE|DROP VIEW|TRUNCATE TABLE)"
    r"(?P<guard>(?: IF NOT EXISTS| IF EXISTS)?) \{\{(?P<kind>table|view):(?P<name>\w+)\}\}",
    re.MULTILINE,
)
_COMMENT_LINE = re.compile(r"^\s*--.*\n?", re.MULTILINE)
_COLUMN_CHANGE = re.compile(r"^\s*(ADD|DROP|RENAME|MODIFY|COMMENT) COLUMN\b")
_SORT_KEY_CHANGE = re.compile(r",\s*MODIFY ORDER BY \(.*\)", re.DOTALL)


class DialectError(ValueError):
    """A placeholder that no dialect knows; the message shows it."""


def statements(text: str) -> list[str]:
    """Split a file at the semicolons that end a line; comments between statements are dropped."""
    parts = re.split(r";[ \t]*(?:\n|\Z)", text)
    return [stripped for part in parts if (stripped := _COMMENT_LINE.sub("", part).strip())]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the schema is said: `cluster` is the name of a cluster in the server's configuration, or '' for a single
    server.
    """

    cluster: str = ""

    def render(self, text: str) -> list[str]:
        """Return the statements to run for a file."""
        return [statement for template in statements(text) for statement in self._render_one(template)]

    def table(self, name: str) -> str:
        """Return the name of the table that holds the rows."""
        return f"{name}_local" if self.cluster else name

    @property
    def on_cluster(self) -> str:
        """Return what stands behind a table's name in DDL."""
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""

    def _render_one(self, template: str) -> list[str]:
        subject = _SUBJECT.match(template)
        if not subject:
            return [self._fill(template)]
        verb, guard, kind, name = subject.group("verb", "guard", "kind", "name")
        rest = template[subject.end() :]
        own = self.table(name) if kind == "table" else name
        rendered = [f"{verb}{guard} {own}{self.on_cluster}{self._fill(rest)}"]
        if self.cluster and kind == "table":
            rendered += self._twin(verb, guard, name, self._fill(rest))
        return rendered

    def _twin(self, verb: str, guard: str, name: str, rest: str) -> list[str]:
        """Return what must be done to the Distributed table as well."""
        if verb == "CREATE TABLE":
            key = _SHARDED_BY.get(name, _SHARDED_BY_DEFAULT)
            engine = f"Distributed('{self.cluster}', currentDatabase(), {name}_local, {key})"
            return [f"CREATE TABLE{guard} {name}{self.on_cluster} AS {name}_local ENGINE = {engine}"]
        if verb == "DROP TABLE":
            return [f"DROP TABLE{guard} {name}{self.on_cluster}"]
        if verb == "ALTER TABLE" and _COLUMN_CHANGE.match(rest):
            return [f"ALTER TABLE {name}{self.on_cluster}{_SORT_KEY_CHANGE.sub('', rest)}"]  # it holds no rows
        return []

    def _fill(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: self._value(found[1]), text)

    def _value(self, placeholder: str) -> str:
        match placeholder.split(":"):
            case ["table", name]:
                return self.table(name)
            case ["view", name]:
                return name
            case ["engine", family, name, *arguments] if family.endswith("MergeTree"):
                return self._engine(family, name, arguments)
            case ["dedup"]:
                kind = "replicated" if self.cluster else "non_replicated"
                return f"{kind}_deduplication_window = {DEDUPLICATION_WINDOW}"
            case _:
                raise DialectError(
                    f"{{{{{placeholder}}}}}: known are table:NAME, view:NAME, engine:FAMILY:TABLE[:ARG…], dedup"
                )

    def _engine(self, family: str, name: str, arguments: list[str]) -> str:
        if not self.cluster:
            return f"ENGINE = {family}({', '.join(arguments)})"
        path = f"'/clickhouse/tables/{{shard}}/{{database}}/{name}_local'"
        replicated = ", ".join([path, "'{replica}'", *arguments])
        return f"ENGINE = Replicated{family}({replicated})"
