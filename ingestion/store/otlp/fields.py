"""The canonical fields of a span: who, what, when, how it ended. Each is the first of its sources that has a value."""

from ingestion.conventions import (
    CONVENTIONS,
    PROVIDER_ALIASES,
    PROVIDER_OF_MODEL,
    Field,
    key_numbers,
    kind_of_operation,
    sources,
    unbilled_operations,
)
from ingestion.records import CALL_KINDS
from ingestion.store.otlp.attributes import quoted
from ingestion.store.otlp.traits import Traits, first, name_of

__all__ = ["derived", "looked_up", "timed"]

_EARLIEST_NS = 1_420_070_400_000_000_000  # 2015: nothing traced is older; a clock that says so was never set
_AHEAD_NS = 86_400_000_000_000  # a day: clocks drift, but not so far
_LONGEST_NS = 7 * 86_400_000_000_000  # a longer span with a wrong clock has a wrong duration too


def looked_up(traits: Traits) -> dict[str, str]:
    """Return column → expression for every field's raw text, '' when no source has a value."""
    numbers = key_numbers()
    units = {source.key: source.unit for field in Field for source in sources(field)}
    columns: dict[str, str] = {}
    for field in Field:
        values = []
        for key in traits.on_span(field):
            value = f"texts[indexOf(numbers, {numbers[key]})]"
            if units[key] == "ms":
                value = f"if({value} = '', '', toString(toFloat64OrZero({value}) / 1000))"
            values.append(value)
        values += [f"resource_texts[indexOf(resource_numbers, {numbers[key]})]" for key in traits.on_resource(field)]
        if values:
            columns[name_of(field)] = first(*values)
    return columns


def _transform(value: str, table: dict[str, str], otherwise: str) -> str:
    left = ", ".join(map(quoted, table))
    right = ", ".join(map(quoted, table.values()))
    return f"transform({value}, [{left}], [{right}], {otherwise})"


def derived(traits: Traits) -> dict[str, str]:
    """Return column → expression for the fields that need more than a look-up. Later ones may use earlier ones."""
    text = traits.text
    has_usage = f"({text(Field.INPUT_TOKENS)} != '' OR {text(Field.OUTPUT_TOKENS)} != '')"
    kinds = {name: str(kind) for name, kind in kind_of_operation().items()}
    unbilled = ", ".join(map(quoted, sorted(unbilled_operations())))
    makers = ", ".join(
        f"startsWith(model_used, {quoted(prefix)}), {quoted(provider)}"
        for prefix, provider in PROVIDER_OF_MODEL.items()
    )
    dialects = ", ".join(
        f"arrayExists(k -> {' OR '.join(f'startsWith(k, {quoted(p)})' for p in convention.prefixes)}, keys), "
        f"{quoted(convention.name)}"
        for convention in CONVENTIONS
    )
    exception = {"exception_type": "''", "exception_message": "''"}
    if traits.events:
        event = "arrayFirst(e -> e.1 = 'exception', happened)"
        exception = {f"exception_{word}": f"({event}).4[indexOf(({event}).3, 'exception.{word}')]" for word in
                     ("type", "message")}  # fmt: skip
    return {
        "convention_name": f"multiIf({dialects}, '')",
        "model_used": first(text(Field.MODEL), text(Field.MODEL_REQUESTED)),
        "span_kind": f"firstNonDefault({_transform(f'lower({text(Field.OPERATION)})', kinds, quoted(''))}, "
        f"if(model_used != '' AND {has_usage}, 'llm', 'span'))",
        "named_provider": _transform(
            f"lower({text(Field.PROVIDER)})", PROVIDER_ALIASES, f"lower({text(Field.PROVIDER)})"
        ),
        "provider_name": f"multiIf(named_provider != '', named_provider, model_used = '', '', {makers}, '')",
        **exception,
        "error_name": first(text(Field.ERROR_TYPE), "exception_type" if traits.events else "''"),
        "status_name": f"multiIf(span.status.code = 2 OR {text(Field.ERROR_TYPE)} != '', 'error', "
        f"span.status.code = 1, 'ok', 'unset')",
        "bills": f"span_kind IN ({', '.join(quoted(kind) for kind in CALL_KINDS)}) "
        f"AND lower({text(Field.OPERATION)}) NOT IN ({unbilled}) AND (status_name != 'error' OR {has_usage})",
    }


def timed() -> dict[str, str]:
    """Return the times, in nanoseconds. A clock that cannot be right is moved: the span ends when it came."""
    start, end = "span.start_time_unix_nano", "span.end_time_unix_nano"
    return {
        "insane": f"{start} < {_EARLIEST_NS} OR {start} > received_ns + {_AHEAD_NS} OR {end} > received_ns + "
        f"{_AHEAD_NS}",
        "lasted_ns": f"if({end} > {start} AND ({end} - {start} <= {_LONGEST_NS} OR NOT insane), toUInt64({end} "
        f"- {start}), toUInt64(0))",
        "start_ns": f"toInt64(if(insane, received_ns - lasted_ns, {start}))",
        "end_ns": "start_ns + toInt64(lasted_ns)",
        "adjusted": f"insane OR {end} < {start}",
    }
