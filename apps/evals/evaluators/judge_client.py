"""Asking a judge over HTTP, at an OpenAI-compatible address: our own gateway, so that each question is a span with a
cost and counts against its key's budget. The only evaluator module that does IO.

Bounded: one deadline for the whole exchange, however slowly bytes come, and a limit on the answer's size. Redirects are
not followed, since a key would go with them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import orjson

from apps.evals.evaluators.base import Answer, Ask, AskError

__all__ = ["JudgeEndpoint", "judge_over_http"]

_MOST_ANSWER = 1_000_000  # bytes
_MOST_TOKENS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeEndpoint:
    """Where to ask. `base_url` ends before `/chat/completions`; `timeout` is the whole exchange's, in seconds."""

    base_url: str
    key: str
    model: str
    timeout: float = 60.0
    headers: tuple[tuple[str, str], ...] = ()


def judge_over_http(
    endpoint: JudgeEndpoint, *, cost_of: Callable[[str, dict[str, Any]], Decimal | None] | None = None
) -> Ask:
    """Return the means to ask. `cost_of` prices a model's usage as the answer reports it; without it nobody knows."""

    def ask(prompt: str) -> Answer:
        body = orjson.dumps(
            {
                "model": endpoint.model,
                "messages": [{"role": "user", "content": prompt.encode("utf-8", "replace").decode()}],
                "temperature": 0,
                "max_tokens": _MOST_TOKENS,
            }
        )
        status, raw = asyncio.run(_within(endpoint, body))
        if status != 200:
            said = raw[:200].decode("utf-8", "replace")
            raise AskError(f"the judge answered {status}: {said}", again=status in {408, 409, 429} or status >= 500)
        try:
            value = orjson.loads(raw)
            text = value["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise AskError("the judge's answer is no chat completion") from error
        if not isinstance(text, str):
            raise AskError("the judge's answer holds no text")
        usage = value.get("usage")
        model = value.get("model")
        known = cost_of is not None and isinstance(usage, dict)
        cost = cost_of(model if isinstance(model, str) else endpoint.model, usage) if known and cost_of else None
        return Answer(text, cost)

    return ask


async def _within(endpoint: JudgeEndpoint, body: bytes) -> tuple[int, bytes]:
    url = endpoint.base_url.rstrip("/") + "/chat/completions"
    late = f"the judge did not finish within {endpoint.timeout:g} s"
    try:
        async with asyncio.timeout(endpoint.timeout):
            return await _post(url, endpoint, body)
    except TimeoutError as error:
        raise AskError(late) from error
    except httpx.TimeoutException as error:
        raise AskError(late) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise AskError(f"the judge's address {url[:200]!r} is none: {error}", again=False) from error
    except httpx.HTTPError as error:
        raise AskError(f"the judge could not be reached: {str(error) or type(error).__name__}") from error


async def _post(url: str, endpoint: JudgeEndpoint, body: bytes) -> tuple[int, bytes]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {endpoint.key}", **dict(endpoint.headers)}
    raw = bytearray()
    async with (
        httpx.AsyncClient(timeout=endpoint.timeout, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", url, content=body, headers=headers) as answer,
    ):
        async for piece in answer.aiter_bytes():
            raw += piece
            if len(raw) > _MOST_ANSWER:
                raise AskError(f"the judge's answer is longer than {_MOST_ANSWER:,} bytes", again=False)
        return answer.status_code, bytes(raw)
