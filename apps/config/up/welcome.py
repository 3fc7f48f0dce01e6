"""What the terminal shows once everything is ready. Pure: text in, text out."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["welcome"]


def welcome(*, bootstrap: Mapping[str, str], web_url: str, gateway_url: str, home: Path, seconds: float) -> str:
    """Return the banner. Fields that this start does not know (a password changed since) are left out."""
    key = bootstrap.get("secret_key", "")
    base = f"{gateway_url}/k/{key}/openai/v1"
    sign_in = bootstrap.get("email", "")
    password = bootstrap.get("password", "")
    lines = [
        "",
        f"Spanmeter is ready ({seconds:.1f} s). Data: {home}",
        "",
        f"  Dashboard   {web_url}",
    ]
    if sign_in:
        lines.append(f"  Sign in     {sign_in}" + (f"   password {password}" if password else ""))
    if note := bootstrap.get("key_note", ""):
        lines.append(f"  Key         {note}")
    if key:
        lines += [
            f"  Base URL    {base}",
            f"  OTLP        {gateway_url}/v1/traces   header  authorization: Bearer {key}",
            "",
            "  from openai import OpenAI",
            f'  client = OpenAI(base_url="{base}")',
            "",
            "  Your provider's key travels on as it is; it is never stored. A real model without any key: make demo",
        ]
    else:
        lines += [f"  Gateway     {gateway_url}", f"  Keys        {web_url} → project → keys"]
    return "\n".join([*lines, "  Ctrl-C stops everything; what was recorded is kept.", ""])
