"""Token counts to exclusive buckets. A bucket that nobody reported is absent; cached tokens are counted once.

The convention says that the input count includes cached tokens. When the cached ones are more than the input, the
exporter meant otherwise, and the input count is taken as what was not cached.
"""

from ingestion.conventions import Field
from ingestion.store.otlp.traits import Traits
from ingestion.usage import Bucket

__all__ = ["usage_columns"]

_PARTS = {
    "n_cache_read": Field.CACHE_READ_TOKENS,
    "n_cache_write": Field.CACHE_WRITE_TOKENS,
    "n_cache_write_1h": Field.CACHE_WRITE_1H_TOKENS,
    "n_reasoning": Field.REASONING_TOKENS,
    "n_input_audio": Field.INPUT_AUDIO_TOKENS,
    "n_cache_audio": Field.CACHE_READ_AUDIO_TOKENS,
    "n_input_image": Field.INPUT_IMAGE_TOKENS,
    "n_output_audio": Field.OUTPUT_AUDIO_TOKENS,
    "n_output_image": Field.OUTPUT_IMAGE_TOKENS,
}
_UNKNOWN = "CAST(NULL, 'Nullable(Int64)')"
_MOST = 10**11  # more than this is no token count


def _number(text: str) -> str:
    return f"if(toFloat64OrNull({text}) BETWEEN 0 AND {_MOST}, toInt64(toFloat64OrNull({text})), NULL)"


def usage_columns(traits: Traits) -> dict[str, str]:
    """Return column → expression, in the order in which they build on one another."""
    fields = {"n_input": Field.INPUT_TOKENS, "n_output": Field.OUTPUT_TOKENS, **_PARTS}
    told = {column: field for column, field in fields.items() if traits.has(field)}
    columns = {column: _number(traits.text(field)) for column, field in told.items()}
    columns |= {column: _UNKNOWN for column in fields if column not in told}
    zero = {column: f"ifNull({column}, 0)" if column in told else "0" for column in fields}
    text_read = f"greatest({zero['n_cache_read']} - {zero['n_cache_audio']}, 0)"
    write_5m = f"greatest({zero['n_cache_write']} - {zero['n_cache_write_1h']}, 0)"
    new_audio = f"greatest({zero['n_input_audio']} - {zero['n_cache_audio']}, 0)"
    amounts = {
        "n_input": (Bucket.INPUT, "b_input"),
        "n_cache_read": (Bucket.CACHE_READ, text_read),
        "n_cache_write": (Bucket.CACHE_WRITE_5M, write_5m),
        "n_cache_write_1h": (Bucket.CACHE_WRITE_1H, zero["n_cache_write_1h"]),
        "n_input_audio": (Bucket.INPUT_AUDIO, new_audio),
        "n_cache_audio": (Bucket.CACHE_READ_AUDIO, zero["n_cache_audio"]),
        "n_input_image": (Bucket.INPUT_IMAGE, zero["n_input_image"]),
        "n_output": (Bucket.OUTPUT, "b_output"),
        "n_reasoning": (Bucket.REASONING, zero["n_reasoning"]),
        "n_output_audio": (Bucket.OUTPUT_AUDIO, zero["n_output_audio"]),
        "n_output_image": (Bucket.OUTPUT_IMAGE, zero["n_output_image"]),
    }
    buckets = [(bucket, amount, column) for column, (bucket, amount) in amounts.items() if column in told]
    names = ", ".join(f"'{bucket}'" for bucket, _, _ in buckets)
    given = ", ".join(amount for _, amount, _ in buckets)
    known = ", ".join(f"toUInt8({column} IS NOT NULL)" for _, _, column in buckets)
    written = f"greatest({zero['n_cache_write']}, {zero['n_cache_write_1h']})"
    return columns | {
        "n_cached": f"{zero['n_cache_read']} + {written}",
        "exclusive": "n_input IS NOT NULL AND n_cached > n_input",
        "reasoning_apart": f"n_output IS NOT NULL AND {zero['n_reasoning']} > n_output",
        "b_input": f"toInt64(greatest({zero['n_input']} - if(exclusive, 0, n_cached) "
        f"- greatest({zero['n_input_audio']} - {zero['n_cache_audio']}, 0) - {zero['n_input_image']}, 0))",
        "b_output": f"toInt64(greatest({zero['n_output']} - if(reasoning_apart, 0, {zero['n_reasoning']}) "
        f"- {zero['n_output_audio']} - {zero['n_output_image']}, 0))",
        "known": f"CAST([{known}], 'Array(UInt8)')",
        "used_buckets": f"arrayFilter((b, k) -> k, CAST([{names}], 'Array(String)'), known)",
        "used_amounts": f"arrayFilter((a, k) -> k, CAST([{given}], 'Array(Int64)'), known)",
        "total_input": "if(n_input IS NULL, NULL, n_input + if(exclusive, n_cached, 0))",
        "total_output": f"if(n_output IS NULL, NULL, n_output + if(reasoning_apart, {zero['n_reasoning']}, 0))",
        "basis": "if(notEmpty(used_buckets), 'provider', 'none')",
        "basis_of_input": "multiIf(n_input IS NULL, '', exclusive, 'exclusive', 'inclusive')",
    }
