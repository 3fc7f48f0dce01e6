"""Who calls what: the models with their prices per million tokens, the tools, the errors. Data only; prices are for
shape, not for truth.
"""

__all__ = ["ERRORS", "MODELS", "SERVICES", "TAIL_MODELS", "TOOLS"]

# Most used first. (provider, model, dollars per million input tokens, per million output tokens)
MODELS: list[tuple[str, str, str, str]] = [
    ("openai", "gpt-4o-mini-2024-07-18", "0.15", "0.6"),
    ("anthropic", "claude-sonnet-4-5-20250929", "3", "15"),
    ("openai", "gpt-4o-2024-08-06", "2.5", "10"),
    ("openai", "gpt-5-mini-2025-08-07", "0.25", "2"),
    ("anthropic", "claude-haiku-4-5-20251001", "1", "5"),
    ("google", "gemini-2.5-flash", "0.3", "2.5"),
    ("openai", "gpt-4.1-mini-2025-04-14", "0.4", "1.6"),
    ("mistral", "mistral-small-2506", "0.1", "0.3"),
    ("groq", "llama-3.3-70b-versatile", "0.59", "0.79"),
    ("deepseek", "deepseek-chat", "0.27", "1.1"),
    ("openai", "o4-mini-2025-04-16", "1.1", "4.4"),
    ("anthropic", "claude-opus-4-1-20250805", "15", "75"),
    ("google", "gemini-2.5-pro", "1.25", "10"),
    ("openai", "gpt-4.1-2025-04-14", "2", "8"),
    ("together", "qwen2.5-72b-instruct-turbo", "1.2", "1.2"),
    ("cohere", "command-r-plus-08-2024", "2.5", "10"),
]
TAIL_MODELS = 60  # fine-tuned and home-made models that no price list knows
TOOLS = [
    "search_orders",
    "get_invoice",
    "convert_currency",
    "vector_search",
    "send_mail",
    "read_file",
    "run_sql",
    "weather",
]
SERVICES = ["shop-assistant", "support-desk", "invoice-reader", "translator", "video-studio"]
ERRORS = [("RateLimitError", 429, "Rate limit reached for requests"), ("APITimeoutError", 0, "Request timed out."),
          ("BadRequestError", 400, "This model's maximum context length is 128000 tokens"),
          ("InternalServerError", 500, "The server had an error while processing your request")]  # fmt: skip
