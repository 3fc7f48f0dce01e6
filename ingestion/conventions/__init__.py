"""The registry of semantic conventions: one file each, asked in this order, and what they know together.

One more dialect is one more file here and one more name in CONVENTIONS. Never imports the store.
"""

from ingestion.conventions.base import Convention, Field, Source
from ingestion.conventions.otel_genai import OTEL_GENAI
from ingestion.records import SpanKind

__all__ = [
    "CONVENTIONS",
    "PROPERTY_PREFIX",
    "PROVIDER_ALIASES",
    "PROVIDER_OF_MODEL",
    "Convention",
    "Field",
    "Source",
    "key_numbers",
    "kind_of_operation",
    "sources",
    "unbilled_operations",
]

CONVENTIONS: tuple[Convention, ...] = (OTEL_GENAI,)

# Names that exporters use → the name that prices, filters and pages use.
PROVIDER_ALIASES: dict[str, str] = {
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "az.ai.inference": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gemini": "google",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
    "xai": "x-ai",
    "ibm.watsonx.ai": "ibm",
}

# Who makes the models whose names begin so: asked only when a span names no provider.
PROVIDER_OF_MODEL: dict[str, str] = {
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "chatgpt-": "openai",
    "text-embedding-": "openai",
    "claude-": "anthropic",
    "gemini-": "google",
    "mistral-": "mistral",
    "deepseek-": "deepseek",
    "command-": "cohere",
    "grok-": "x-ai",
    "sarvam-": "sarvam",
}

# Attributes with this prefix are the user's own dimensions: they become `properties`.
PROPERTY_PREFIX = "spanmeter.property."


def sources(field: Field) -> tuple[Source, ...]:
    """Return every key that can tell a field, the most trusted first."""
    return tuple(source for convention in CONVENTIONS for source in convention.fields.get(field, ()))


def key_numbers() -> dict[str, int]:
    """Return every known key with a small number (from 1) that stands for it while a batch is unfolded."""
    keys = dict.fromkeys(source.key for field in Field for source in sources(field))
    return {key: number for number, key in enumerate(keys, 1)}


def kind_of_operation() -> dict[str, SpanKind]:
    """Return what each operation name of each convention means; the first convention that knows a name decides."""
    kinds: dict[str, SpanKind] = {}
    for convention in CONVENTIONS:
        for name, kind in convention.operations.items():
            kinds.setdefault(name, kind)
    return kinds


def unbilled_operations() -> frozenset[str]:
    """Return the operations whose usage was reported by another span already."""
    return frozenset().union(*(convention.unbilled_operations for convention in CONVENTIONS))
