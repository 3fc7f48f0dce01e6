"""A batch file opened: one row a span, with what its resource and its scope say beside it."""

from ingestion.conventions import key_numbers
from ingestion.store.otlp.attributes import ENTRIES, keys_of, quoted, texts_of

__all__ = ["GIVEN", "NESTED", "SCHEMA_MESSAGE", "VALID", "numbered", "spans_of"]

SCHEMA_MESSAGE = "Body"

_EVENT = f"Tuple(time_unix_nano UInt64, name String, attributes {ENTRIES})"
_SPAN = (
    "Tuple(trace_id String, span_id String, parent_span_id String, name String, start_time_unix_nano UInt64, "
    f"end_time_unix_nano UInt64, attributes {ENTRIES}, events Array({_EVENT}), "
    "links Array(Tuple(trace_id String, span_id String)), status Tuple(message String, code Int32))"
)
_SCOPES = f"Array(Tuple(scope Tuple(name String, version String), spans Array({_SPAN})))"
_STRUCTURE = (
    "project_id UInt64, received_ns UInt64, batch_id UInt64, position UInt64, request_id String, "
    f"otlp Tuple(resource_spans Array(Tuple(resource Tuple(attributes {ENTRIES}), scope_spans {_SCOPES})))"
)

# What a span must have to be a row: ids of the right length that are not all zero.
VALID = (
    r"length(span.trace_id) = 16 AND span.trace_id != repeat('\0', 16) "
    r"AND length(span.span_id) = 8 AND span.span_id != repeat('\0', 8)"
)


# Whether a key-value list holds maps or lists of lists, which ingestion/otlp/flatten.py must turn to text. The reader
# is not told of those fields, so it takes them for unset, as it does the rare attribute without any value.
NESTED = (
    "arrayExists(a -> a.value.value = 'none' OR arrayExists(x -> x.value = 'none', a.value.array_value.values), {})"
)


def numbered(keys: str) -> str:
    """Return for each key its small number, 0 when no convention knows it: later look-ups compare bytes, not words."""
    numbers = key_numbers()
    known = "[" + ", ".join(map(quoted, numbers)) + "]"
    values = "[" + ", ".join(map(str, numbers.values())) + "]"
    return f"arrayMap(k -> transform(k, {known}, {values}, 0), {keys})"


# What a span takes along from where it was found: its body, its resource, its scope.
_OF_BODY = "project_id, received_ns, batch_id, position, request_id"
_OF_RESOURCE = f"{_OF_BODY}, resource_keys, resource_texts, resource_nested"
_OF_SCOPE = f"{_OF_RESOURCE},\n    scope_name, scope_version"
# What spans_of gives, by name.
GIVEN = (*_OF_SCOPE.replace(",", "").split(), "span")


def spans_of(file: str) -> str:
    """Return a subquery with one row a span. `file` is the SQL of the batch file's path."""
    return f"""
SELECT {_OF_SCOPE}, arrayJoin(spans) AS span
FROM (
SELECT {_OF_RESOURCE},
    scope_spans.scope.name AS scope_name, scope_spans.scope.version AS scope_version, scope_spans.spans AS spans
FROM (
SELECT {_OF_BODY},
    {keys_of("resource_spans.resource.attributes")} AS resource_keys,
    {texts_of("resource_spans.resource.attributes")} AS resource_texts,
    {NESTED.format("resource_spans.resource.attributes")} AS resource_nested,
    arrayJoin(resource_spans.scope_spans) AS scope_spans
FROM (
SELECT {_OF_BODY}, arrayJoin(otlp.resource_spans) AS resource_spans
FROM file({file}, Protobuf, {quoted(_STRUCTURE)})
)))"""
