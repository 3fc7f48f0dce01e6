"""What a project without data is told: where to send its calls, ready to paste. Pure."""

from dataclasses import dataclass

__all__ = ["Onboarding", "onboarding"]


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Addresses and programs that work as they are, but for the key."""

    openai_base: str
    anthropic_base: str
    otlp: str
    openai_code: str
    anthropic_code: str
    otlp_code: str
    keys_href: str


def onboarding(*, gateway: str, keys_href: str) -> Onboarding:
    """`gateway` is the origin that applications reach, such as http://127.0.0.1:8100."""
    origin = gateway.rstrip("/")
    return Onboarding(
        openai_base=f"{origin}/openai/v1",
        anthropic_base=f"{origin}/anthropic",
        otlp=f"{origin}/v1/traces",
        openai_code=_OPENAI.format(base=f"{origin}/openai/v1"),
        anthropic_code=_ANTHROPIC.format(base=f"{origin}/anthropic"),
        otlp_code=_OTLP.format(origin=origin),
        keys_href=keys_href,
    )


_OPENAI = """\
from openai import OpenAI

client = OpenAI(
    base_url="{base}",
    default_headers={{"Spanmeter-Auth": "Bearer sm-sk-…"}},
)
answer = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{{"role": "user", "content": "Say hello."}}],
    extra_headers={{"Spanmeter-User-Id": "ada", "Spanmeter-Session-Id": "first"}},
)
print(answer.choices[0].message.content)
"""

_ANTHROPIC = """\
from anthropic import Anthropic

client = Anthropic(
    base_url="{base}",
    default_headers={{"Spanmeter-Auth": "Bearer sm-sk-…"}},
)
answer = client.messages.create(
    model="claude-sonnet-4-5",
    max_tokens=100,
    messages=[{{"role": "user", "content": "Say hello."}}],
)
print(answer.content[0].text)
"""

_OTLP = """\
export OTEL_EXPORTER_OTLP_ENDPOINT="{origin}"
export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer sm-sk-…"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
"""
