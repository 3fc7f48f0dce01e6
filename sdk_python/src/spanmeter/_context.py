"""Who and what the work belongs to: `with context(user_id=…)` is said once and stands on every span started inside.

The values travel in OpenTelemetry's own context, so they follow tasks and threads wherever that does, and reach the
spans of other instrumentations as well.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanmeter import _attributes as names
from spanmeter._guard import guarded

__all__ = ["context", "restore", "stamps"]

_KEY = otel_context.create_key("spanmeter-stamps")
_NOTHING: Mapping[str, Any] = {}
_LONGEST = 1024
_MOST_TAGS = 64


class context:  # noqa: N801 - used like a function
    """Everything started inside belongs to this user, session, environment …; inner ones add to outer ones."""

    __slots__ = ("_before", "_inside", "_said")

    def __init__(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        session_name: str | None = None,
        trace_name: str | None = None,
        tags: Sequence[str] | None = None,
        environment: str | None = None,
        release: str | None = None,
        prompt_name: str | None = None,
        prompt_version: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        said = {
            names.USER_ID: user_id,
            names.SESSION_ID: session_id,
            names.SESSION_NAME: session_name,
            names.TRACE_NAME: trace_name,
            names.ENVIRONMENT: environment,
            names.RELEASE: release,
            names.PROMPT_NAME: prompt_name,
            names.PROMPT_VERSION: prompt_version,
        }
        self._said = _read(said, tags, properties)
        self._before: Context | None = None
        self._inside: Context | None = None

    @guarded("context", None)
    def _enter(self) -> None:
        self._before = otel_context.get_current()
        outer = stamps(self._before)
        merged = {**outer, **self._said}
        tags = (*outer.get(names.TAGS, ()), *self._said.get(names.TAGS, ()))
        if tags:
            merged[names.TAGS] = tuple(dict.fromkeys(tags))[:_MOST_TAGS]
        self._inside = otel_context.set_value(_KEY, merged, self._before)
        otel_context.attach(self._inside)

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        restore(self._inside, self._before)

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        restore(self._inside, self._before)


def stamps(current: Context | None = None) -> Mapping[str, Any]:
    """Return the attributes that a span started in this context gets."""
    found = otel_context.get_value(_KEY, current)
    return found if isinstance(found, dict) else _NOTHING


@guarded("context", None)
def restore(mine: Context | None, before: Context | None) -> None:
    """Leave a context if it is still the current one.

    Not by token: a generator may be closed from another task than the one that began it, where its token is void. And
    where somebody else's context is current, it is theirs to leave.
    """
    if mine is not None and before is not None and otel_context.get_current() is mine:
        otel_context.attach(before)


@guarded("context", _NOTHING)
def _read(
    said: Mapping[str, Any], tags: Sequence[str] | None, properties: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    found: dict[str, Any] = {key: str(value)[:_LONGEST] for key, value in said.items() if value is not None}
    if tags is not None:
        each = [tags] if isinstance(tags, str) else tags
        found[names.TAGS] = tuple(dict.fromkeys(str(tag)[:128] for tag in each))[:_MOST_TAGS]
    for key, value in (properties or {}).items():
        found[names.PROPERTY_PREFIX + str(key)[:128]] = str(value)[:_LONGEST]
    return found
