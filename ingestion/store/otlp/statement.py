"""The layers put together, in two steps: a batch file unfolded into a staging table, and from there into `spans`.

Between the two lies the survey, which says what must be priced and what cannot be a row. The first step is the only one
that knows OTLP; the second only adds money.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from ingestion.conventions import Field
from ingestion.store.otlp.attributes import keys_of, quoted, texts_of
from ingestion.store.otlp.content import content_columns, happened
from ingestion.store.otlp.fields import derived, looked_up, timed
from ingestion.store.otlp.money import (
    CALL_NAME,
    CHARGED,
    MAY_REPEAT,
    MONEY_COLUMNS,
    USAGE_PARTS,
    prices_source,
    usage_key,
)
from ingestion.store.otlp.traits import EVERYTHING, Traits
from ingestion.store.otlp.unfold import GIVEN, NESTED, VALID, numbered, spans_of
from ingestion.store.otlp.usage import usage_columns

__all__ = [
    "INSERTED",
    "ONE_SORTED_BLOCK",
    "SETTINGS",
    "create_statement",
    "insert_statement",
    "relay_statement",
    "responses_statement",
    "stage_statement",
    "survey_statement",
    "unforeseen_statement",
    "usages_statement",
]


_WORD = re.compile(r"[a-z_0-9]+")


def _stacked(source: str, columns: dict[str, str], *, wanted: str) -> str:
    """Add columns to a subquery, as many SELECTs deep as they build on one another.

    `wanted` is the text of everything that is done with the result: what it does not name is left out on every level,
    because the engine's analysis costs time for each column of each level.
    """
    levels: dict[str, int] = dict.fromkeys(GIVEN, 0)
    for name, expression in columns.items():
        levels[name] = 1 + max((levels[word] for word in _WORD.findall(expression) if word in levels), default=0)
    selects = []
    needed = {word for word in _WORD.findall(wanted) if word in levels}
    for level in range(max(levels[name] for name in needed), 0, -1):
        made = [name for name in columns if name in needed and levels[name] == level]
        passed = sorted(name for name in needed if levels[name] < level)
        selects.append(",\n    ".join([*passed, *(f"{columns[name]} AS {name}" for name in made)]))
        needed = set(passed) | {word for name in made for word in _WORD.findall(columns[name]) if word in levels}
    for select in reversed(selects):
        source = f"SELECT {select}\nFROM (\n{source}\n)"
    return source


def _columns(traits: Traits) -> dict[str, str]:
    read = {
        "keys": keys_of("span.attributes"),
        "texts": texts_of("span.attributes"),
        "numbers": numbered("keys"),
        "resource_numbers": numbered("resource_keys"),
        "happened": happened(),
        "valid": VALID,
    }
    key = {"usage_key": f"if(bills, {usage_key(traits)}, 0)"}
    columns = read | looked_up(traits) | timed() | derived(traits) | usage_columns(traits) | key
    return columns | content_columns(traits)


_TIME = "fromUnixTimestamp64Micro(intDiv({}, 1000), 'UTC')"


def _seconds(text: str) -> str:
    return f"if(toFloat64OrNull({text}) BETWEEN 0 AND 1e7, toUInt64(round(toFloat64OrNull({text}) * 1e6)), NULL)"


def _span_columns(traits: Traits) -> dict[str, str]:
    """Return column of `spans` → expression."""
    text = traits.text
    return {
        "project_id": "project_id",
        "trace_id": "lower(hex(span.trace_id))",
        "span_id": "lower(hex(span.span_id))",
        "parent_span_id": r"if(span.parent_span_id = repeat('\0', 8), '', lower(hex(span.parent_span_id)))",
        "start_time": _TIME.format("start_ns"),
        "end_time": _TIME.format("end_ns"),
        "duration_us": "intDiv(lasted_ns, 1000)",
        "ttft_us": _seconds(text(Field.TIME_TO_FIRST_TOKEN)),
        "received_at": "fromUnixTimestamp64Milli(toInt64(intDiv(received_ns, 1000000)), 'UTC')",
        "batch_id": "batch_id",
        "request_id": "request_id",
        "kind": "span_kind",
        "name": "leftUTF8(toValidUTF8(span.name), 1000)",
        "source": "'otlp'",
        "convention": "convention_name",
        "status": "status_name",
        "http_status": f"toUInt16OrZero({text(Field.HTTP_STATUS)})",
        "error_type": "error_name",
        "error_message": "firstNonDefault(toValidUTF8(span.status.message), exception_message)",
        "stream": f"{text(Field.STREAM)} = 'true'",
        "finish_reason": "finish_words",
        "provider": "provider_name",
        "model_requested": text(Field.MODEL_REQUESTED),
        "model": "model_used",
        "response_id": text(Field.RESPONSE_ID),
        "user_id": text(Field.USER_ID),
        "session_id": text(Field.SESSION_ID),
        "session_name": text(Field.SESSION_NAME),
        "trace_name": text(Field.TRACE_NAME),
        "environment": text(Field.ENVIRONMENT),
        "release": text(Field.RELEASE),
        "service": text(Field.SERVICE),
        "tags": f"if(startsWith({text(Field.TAGS)}, '['), JSONExtract({text(Field.TAGS)}, 'Array(String)'), "
        f"arrayFilter(t -> t != '', arrayMap(t -> trimBoth(t), splitByChar(',', {text(Field.TAGS)}))))",
        "prompt_name": text(Field.PROMPT_NAME),
        "prompt_version": text(Field.PROMPT_VERSION),
        "agent_name": text(Field.AGENT),
        "tool_name": text(Field.TOOL),
        "properties": "property_map",
        "attributes": "attribute_map",
        "events": "events_json",
        "clock_adjusted": "adjusted",
        "billable": "bills",
        "input_tokens": "total_input",
        "output_tokens": "total_output",
        "cache_read_tokens": "n_cache_read",
        "cache_write_tokens": "if(n_cache_write IS NULL, n_cache_write_1h, greatest(n_cache_write, "
        "ifNull(n_cache_write_1h, 0)))",
        "reasoning_tokens": "n_reasoning",
        "usage": "mapFromArrays(used_buckets, arrayMap(a -> toDecimal64(a, 6), used_amounts))",
        "usage_basis": "basis",
        "token_basis": "basis_of_input",
        "usage_raw": "usage_json",
        "reported_cost_usd": f"if(toFloat64OrNull({text(Field.REPORTED_COST)}) < 1e6, "
        f"toDecimal64OrNull({text(Field.REPORTED_COST)}, 12), NULL)",
        "input_preview": "input_start",
        "output_preview": "output_start",
        "model_parameters": "settings_json",
        "input": "input_text",
        "output": "output_text",
        "queue_us": _seconds(text(Field.TIME_IN_QUEUE)),
    }


def _beside(traits: Traits) -> dict[str, str]:
    """Return what the survey and the money need of a span, beside its columns."""
    text = traits.text
    in_events = f" OR arrayExists(e -> {NESTED.format('e.attributes')}, span.events)" if traits.events else ""
    return {
        "position": "position",
        "valid": "valid",
        "nested": f"{NESTED.format('span.attributes')} OR resource_nested{in_events}",
        "sample": "if(valid, '', concat('trace id ', hex(span.trace_id), ', span id ', hex(span.span_id), ', name ', "
        "leftUTF8(toValidUTF8(span.name), 100)))",
        "usage_key": "usage_key",
        "minute": "toInt64(intDiv(start_ns, 60000000000))",
        "tier": text(Field.SERVICE_TIER),
        "speed": text(Field.SPEED),
        "reported": text(Field.REPORTED_COST),
        "used_buckets": "used_buckets",
        "used_amounts": "used_amounts",
        "unforeseen": traits.unforeseen(),
    }


_KEPT = tuple(name for name in _span_columns(EVERYTHING) if name not in MONEY_COLUMNS)
INSERTED = (*_KEPT, *MONEY_COLUMNS)


def _staged(traits: Traits) -> dict[str, str]:
    return _span_columns(traits) | _beside(traits)


# A block's token is made from the blocks that it was put together from, and how many a batch is staged in differs from
# time to time. Sorted they are one, whatever they were; and as the table sorts them, which it then need not do again.
_AS_STORED = "ORDER BY project_id, toStartOfMinute(start_time), trace_id, span_id"
ONE_SORTED_BLOCK: dict[str, str | int | float] = {"max_block_size": 10_000_000, "max_threads": 1}

# How a batch file is read. Small blocks of bodies let two threads share the work; no lambda here is worth skipping;
# the statement is analysed anew each time, so nothing that is compiled or merged for it is used again.
SETTINGS: dict[str, str | int | float] = {
    "input_format_protobuf_oneof_presence": 1,
    "max_block_size": 16,
    "short_circuit_function_evaluation": "disable",
    "max_threads": 2,
    "max_insert_threads": 2,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "compile_expressions": 0,
    "query_plan_merge_expressions": 0,
}


def _unfolded(file: str, traits: Traits) -> str:
    staged = _staged(traits)
    values = ",\n    ".join(f"{expression} AS column_{name}" for name, expression in staged.items())
    source = _stacked(spans_of(file), _columns(traits), wanted=" ".join(staged.values()))
    return f"SELECT\n    {values}\nFROM (\n{source}\n)"


def create_statement(table: str) -> str:
    """Return the DDL of a staging table. Parameter: file, which may be empty."""
    names = ", ".join(f"column_{name} AS {name}" for name in _staged(EVERYTHING))
    rows = f"SELECT {names} FROM (\n{_unfolded('%(file)s', EVERYTHING)}\n)"
    return f"CREATE OR REPLACE TABLE {table} ENGINE = Memory AS {rows}"


@lru_cache(16)
def stage_statement(table: str, traits: Traits) -> str:
    """Return the INSERT of a batch file into a staging table: the only statement that knows OTLP. Parameter: file.

    It is right only for spans of these traits; `unforeseen_statement` tells of others.
    """
    return f"INSERT INTO {table} ({', '.join(_staged(traits))})\n{_unfolded('%(file)s', traits)}"


def unforeseen_statement(table: str) -> str:
    """Return the SELECT of the traits that a staged batch has and its statement was not made for."""
    return f"SELECT groupUniqArrayArray(unforeseen) FROM {table}"


def survey_statement(table: str) -> str:
    """Return the SELECT of what must be known of a staged batch: a row per body that holds spans.

    Parameters: patterns of what must be masked, and always, 1 when that cannot be told by a pattern.
    """
    # The long texts are searched where they lie; the short ones are put together, which spares a search for each.
    short = "[events, error_message, model_parameters, user_id]"
    lists = f"arrayConcat(mapValues(attributes), mapValues(properties), tags, {short})"
    searched = ("input", "output", f"arrayStringConcat({lists}, ' ')")
    found = " OR ".join(f"multiMatchAny({text}, %(patterns)s)" for text in searched)
    return (
        "SELECT position, count(), countIf(NOT valid), max(nested), groupArrayIf(5)(sample, "
        f"NOT valid), %(always)s OR max({found}) FROM {table} GROUP BY position"
    )


def usages_statement(table: str) -> str:
    """Return the SELECT of every distinct thing that must be priced."""
    return f"SELECT DISTINCT usage_key, {', '.join(USAGE_PARTS)} FROM {table} WHERE valid AND billable"


def responses_statement(table: str) -> str:
    """Return the SELECT of project, name and key of what was used, of calls that the gateway may have seen too."""
    return f"SELECT DISTINCT project_id, {CALL_NAME}, usage_key FROM {table} WHERE valid AND {MAY_REPEAT}"


def _priced(table: str) -> str:
    """Return the SELECT of priced spans: columns of `spans` under their names, those of money with a prefix."""
    values = ", ".join([*_KEPT, *(f"{expression} AS money_{name}" for name, expression in MONEY_COLUMNS.items())])
    return (
        f"SELECT {values}\nFROM (SELECT *, {CHARGED} FROM {table} "
        "WHERE valid AND position BETWEEN %(first)s AND %(last)s AND 0 = "
        "(SELECT throwIf(countIf(batch_id = %(batch)s) != %(spans)s, 'the staging table was lost') "
        f"FROM {table})) AS staged\n"
        f"LEFT ANY JOIN {prices_source('%(prices)s')} AS prices_read ON staged.usage_key = prices_read.price_key"
    )


def insert_statement(table: str) -> str:
    """Return the INSERT of priced spans, for a table in the same engine.

    Parameters: prices and billed (files), first and last (positions), batch and spans: what must be staged. A
    store that was restarted has an empty staging table, and inserting nothing would look like success.
    """
    return f"INSERT INTO spans ({', '.join(INSERTED)})\n{_priced(table)}\n{_AS_STORED}"


def relay_statement(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """Return the SELECT of priced spans, for a table elsewhere whose columns have these names and types.

    Parameters: those of the INSERT.
    """
    values = [
        f"CAST({f'money_{name}' if name in MONEY_COLUMNS else name}, {quoted(kind)}) AS `{name}`"
        for name, kind in columns
    ]
    return f"SELECT {', '.join(values)}\nFROM (\n{_priced(table)}\n)\n{_AS_STORED}"
