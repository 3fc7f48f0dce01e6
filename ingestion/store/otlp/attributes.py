"""OTLP key-value lists as the engine's Protobuf reader delivers them: their type, and their values as text.

With `input_format_protobuf_oneof_presence` an AnyValue carries the name of the field that was set, so an attribute
that says 0, false or "" differs from one that is not there.
"""

__all__ = ["ENTRIES", "LARGEST_VALUE", "MOST_ATTRIBUTES", "keys_of", "quoted", "texts_of"]

LARGEST_VALUE = 4 * 1024 * 1024
MOST_ATTRIBUTES = 512

_NAMES = ("string_value", "bool_value", "int_value", "double_value", "array_value", "kvlist_value", "bytes_value")
_PRESENCE = "Enum8('none' = 0, " + ", ".join(f"'{name}' = {number}" for number, name in enumerate(_NAMES, 1)) + ")"
_SCALARS = f"value {_PRESENCE}, string_value String, bool_value Bool, int_value Int64, double_value Float64"
_LEAF = f"Tuple({_SCALARS})"
ENTRIES = (
    f"Array(Tuple(key String, value Tuple({_SCALARS}, bytes_value String, array_value Tuple(values Array({_LEAF})))))"
)


def quoted(text: str) -> str:
    """Return a name out of our own tables as an SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def keys_of(entries: str) -> str:
    """Return the keys of a key-value list, valid UTF-8."""
    return f"arrayMap(a -> toValidUTF8(a.key), {entries})"


_ITEM = (
    "multiIf(x.value = 'string_value', toJSONString(toValidUTF8(x.string_value)), x.value = 'int_value', "
    "toString(x.int_value), "
    "x.value = 'double_value', if(isFinite(x.double_value), toString(x.double_value), concat('\"', "
    "toString(x.double_value), '\"')), "
    "x.value = 'bool_value', if(x.bool_value, 'true', 'false'), 'null')"
)
_TEXT = (
    "multiIf(a.value.value = 'string_value', a.value.string_value, a.value.value = 'int_value', "
    "toString(a.value.int_value), "
    "a.value.value = 'double_value', toString(a.value.double_value), a.value.value = 'bool_value', "
    "if(a.value.bool_value, 'true', 'false'), "
    f"a.value.value = 'array_value', concat('[', arrayStringConcat(arrayMap(x -> {_ITEM}, "
    f"a.value.array_value.values), ','), ']'), "
    "a.value.value = 'bytes_value', base64Encode(a.value.bytes_value), '')"
)


def texts_of(entries: str) -> str:
    """Return the values of a key-value list as text: cut to a bound, valid UTF-8."""
    cut = f"concat(left(t, {LARGEST_VALUE}), ' … cut from ', toString(length(t)), ' bytes')"
    return f"arrayMap(t -> toValidUTF8(if(length(t) > {LARGEST_VALUE}, {cut}, t)), arrayMap(a -> {_TEXT}, {entries}))"
