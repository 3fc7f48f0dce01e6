"""The readers, in the order in which they are asked. One more provider is one module and one line here."""

from functools import lru_cache

from ingestion.providers.anthropic_messages import AnthropicMessages
from ingestion.providers.base import Provider
from ingestion.providers.openai_chat import OpenAIChat
from ingestion.providers.openai_embeddings import OpenAIEmbeddings
from ingestion.providers.openai_responses import OpenAIResponses
from ingestion.providers.unknown import Unknown

__all__ = ["PROVIDERS", "reader_of"]

PROVIDERS: tuple[Provider, ...] = (
    OpenAIChat(),
    OpenAIResponses(),
    OpenAIEmbeddings(),
    AnthropicMessages(),
    Unknown(),  # recognises everything: always last
)


@lru_cache(maxsize=2048)
def reader_of(method: str, path: str, provider: str) -> Provider:
    """Return the reader of a call."""
    return next(reader for reader in PROVIDERS if reader.recognises(method, path, provider))
