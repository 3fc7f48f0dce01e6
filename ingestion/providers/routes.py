"""Where each provider lives: the table that the gateway routes by. Data only; reading answers is each provider's own
module.

`<gateway>/<name>` stands for the provider's origin, so a client swaps `https://api.groq.com/openai/v1` for
`<gateway>/groq/openai/v1` and changes nothing else. SPANMETER_UPSTREAM_<NAME> replaces an origin or adds a name.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["BY_NAME", "ROUTES", "ProviderRoute", "default_provider"]


@dataclass(frozen=True, slots=True)
class ProviderRoute:
    """One provider as the gateway sees it."""

    name: str
    origin: str
    base_path: str  # what the provider's own clients put after the origin; for documentation and hints
    auth: Literal["bearer", "header", "query", "sigv4"] = "bearer"
    secret_headers: tuple[bytes, ...] = ()  # beside those that are secret everywhere (proxy/secrets.py)


ROUTES = (
    ProviderRoute("openai", "https://api.openai.com", "/v1"),
    ProviderRoute("anthropic", "https://api.anthropic.com", "", "header", (b"x-api-key",)),
    ProviderRoute("gemini", "https://generativelanguage.googleapis.com", "/v1beta", "header", (b"x-goog-api-key",)),
    ProviderRoute("groq", "https://api.groq.com", "/openai/v1"),
    ProviderRoute("mistral", "https://api.mistral.ai", "/v1"),
    ProviderRoute("deepseek", "https://api.deepseek.com", ""),
    ProviderRoute("cohere", "https://api.cohere.com", "/v2"),
    ProviderRoute("together", "https://api.together.xyz", "/v1"),
    ProviderRoute("fireworks", "https://api.fireworks.ai", "/inference/v1"),
    ProviderRoute("openrouter", "https://openrouter.ai", "/api/v1"),
    ProviderRoute("deepinfra", "https://api.deepinfra.com", "/v1/openai"),
    ProviderRoute("perplexity", "https://api.perplexity.ai", ""),
    ProviderRoute("xai", "https://api.x.ai", "/v1"),
    ProviderRoute("cerebras", "https://api.cerebras.ai", "/v1"),
    ProviderRoute("baseten", "https://inference.baseten.co", "/v1"),
    ProviderRoute("replicate", "https://api.replicate.com", "/v1"),
    ProviderRoute("sarvam", "https://api.sarvam.ai", "/v1", "header", (b"api-subscription-key",)),
)

BY_NAME = {route.name: route for route in ROUTES}

_ANTHROPIC_PATHS = ("/v1/messages", "/v1/complete")


def default_provider(path: str, *, anthropic_version: bool) -> str | None:
    """Return whose API a path without a provider's name belongs to, or None.

    So `<gateway>/v1` works as OpenAI's base URL and `<gateway>` as Anthropic's. Paths that both have (`/v1/models`) are
    told apart by the `anthropic-version` header, which Anthropic's clients always send.
    """
    if not path.startswith("/v1/"):
        return None
    if anthropic_version:
        return "anthropic"
    if any(path == known or path.startswith((known + "/", known + "?")) for known in _ANTHROPIC_PATHS):
        return "anthropic"
    return "openai"
