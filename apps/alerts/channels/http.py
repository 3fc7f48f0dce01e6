"""What the channels over HTTP share: one post, and which answers mean what."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from apps.alerts.calling import Answer, Caller, CallFailed
from apps.alerts.channels.base import DeliveryError, Receipt

__all__ = ["body_of", "posted", "retry_after_of"]

# The sender is at fault: the same request would be refused again. 408, 425 and 429 are a matter of time.
_OURS = frozenset({400, 401, 403, 404, 405, 406, 413, 414, 415, 422, 431})
_LONGEST_WAIT = 24 * 3600.0


def body_of(content: Mapping[str, Any]) -> bytes:
    """JSON as bytes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def posted(
    caller: Caller, url: str, *, body: bytes, headers: Mapping[str, str], now: datetime, stubborn: bool = True
) -> Receipt:
    """Post; only 2xx is a yes. `stubborn`: go on trying also after an answer that says we are at fault, since the one
    who runs the receiver may be mending it.
    """
    try:
        answer = caller.post(url, body=body, headers={"content-type": "application/json", **headers})
    except CallFailed as error:
        raise DeliveryError(error.message, permanent=error.permanent) from error
    if 200 <= answer.status_code < 300:
        return Receipt(answer.status_code, answer.text)
    raise _refusal(answer, now=now, stubborn=stubborn)


def _refusal(answer: Answer, *, now: datetime, stubborn: bool) -> DeliveryError:
    code = answer.status_code
    told = f"answered {code}"
    if 300 <= code < 400:
        told = f"answered {code}: redirects are not followed; enter the address that it leads to"
    if code == 410:
        told = "answered 410 Gone: the channel was disabled"
    return DeliveryError(
        told,
        permanent=code == 410 or (not stubborn and code in _OURS),
        disable=code == 410,
        retry_after=retry_after_of(answer.headers, now=now) if code in {429, 502, 503, 504} else None,
        status_code=code,
        answer=answer.text,
    )


def retry_after_of(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds to wait, from seconds or a date; None when there is none that can be read."""
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_WAIT)
