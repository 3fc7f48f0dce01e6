"""Where prices come from: TOML files of dated rows, and the snapshot inside the genai-prices package.

Everything here ends as `ingestion.pricebook` values; nothing here knows of tokens that were used or of spans.
"""
