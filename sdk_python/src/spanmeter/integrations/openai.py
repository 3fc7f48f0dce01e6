"""`wrap_openai(client)`: each call of an OpenAI client is a span, streams with the time to their first token.

Works on the client that is given, sync or async, and on what speaks its dialect; imports nothing of it. What is sent is
the request that was made: nothing is added but, towards our own gateway, the trace it belongs to.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from spanmeter import _attributes as names
from spanmeter._context import stamps
from spanmeter._guard import faults, guarded
from spanmeter._live import Live, begin
from spanmeter._messages import as_messages, output_messages
from spanmeter._runtime import Runtime, current
from spanmeter._stream import AsyncObservedStream, ObservedStream
from spanmeter.integrations.openai_answers import (
    Answered,
    ChatStream,
    EmbeddingsStream,
    ResponsesStream,
    read_answer,
)

__all__ = ["wrap_openai"]

C = TypeVar("C")

_MARK = "_spanmeter_wrapped"
# Where a client has what we wrap → what it does, and how its streams are read.
_CALLS: tuple[tuple[tuple[str, ...], tuple[str, ...], str, Callable[[], Any]], ...] = (
    (("chat", "completions"), ("create", "parse"), "chat", ChatStream),
    (("responses",), ("create", "parse"), "chat", ResponsesStream),
    (("embeddings",), ("create",), "embeddings", EmbeddingsStream),
)
_PARAMETERS = (
    "frequency_penalty",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "presence_penalty",
    "reasoning_effort",
    "seed",
    "service_tier",
    "temperature",
    "top_p",
    "user",
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_HEADERS = {
    names.USER_ID: "Spanmeter-User-Id",
    names.SESSION_ID: "Spanmeter-Session-Id",
    names.SESSION_NAME: "Spanmeter-Session-Name",
    names.TRACE_NAME: "Spanmeter-Trace-Name",
    names.ENVIRONMENT: "Spanmeter-Environment",
    names.RELEASE: "Spanmeter-Release",
    names.PROMPT_NAME: "Spanmeter-Prompt-Name",
    names.PROMPT_VERSION: "Spanmeter-Prompt-Version",
}
_PROVIDERS = {
    "api.openai.com": "openai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.moonshot.ai": "moonshot_ai",
}


def wrap_openai(client: C) -> C:
    """Observe this client from now on and return it. Wrapping twice is wrapping once."""
    _wrap(client)
    return client


@guarded("wrap_openai", None)
def _wrap(client: Any) -> None:
    found = False
    for path, methods, operation, reader in _CALLS:
        resource = functools.reduce(lambda value, name: getattr(value, name, None), path, client)
        for method in methods:
            original = getattr(resource, method, None)
            if not callable(original):
                continue
            found = True
            if not getattr(original, _MARK, False):
                setattr(resource, method, _observed(original, operation, reader, client))
    if not found:
        faults.note("wrap_openai", f"{type(client).__qualname__} has none of the methods of an OpenAI client")
    # copies (`client.with_options(timeout=…)`) are observed as well
    for name in ("copy", "with_options"):
        original = getattr(client, name, None)
        if callable(original) and not getattr(original, _MARK, False):
            setattr(client, name, _copying(original))


def _copying(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def copy(*args: Any, **kwargs: Any) -> Any:
        return wrap_openai(original(*args, **kwargs))

    setattr(copy, _MARK, True)
    return copy


def _observed(
    original: Callable[..., Any], operation: str, reader: Callable[[], Any], client: Any
) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        runtime = current.runtime
        heard = _start(runtime, client, operation, reader, kwargs) if runtime is not None else None
        if heard is None:
            return original(*args, **kwargs)
        live = heard.live
        live.enter()
        try:
            answer = original(*args, **_sent(client, live, kwargs))
        except BaseException as error:
            live.leave()
            heard.ended("failed", error)
            raise
        live.leave()
        return _answered(answer, heard)

    @functools.wraps(original)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        runtime = current.runtime
        heard = _start(runtime, client, operation, reader, kwargs) if runtime is not None else None
        if heard is None:
            return await original(*args, **kwargs)
        live = heard.live
        live.enter()
        try:
            answer = await original(*args, **_sent(client, live, kwargs))
        except BaseException as error:
            live.leave()
            heard.ended("failed", error)
            raise
        live.leave()
        return _answered(answer, heard)

    chosen = call_async if inspect.iscoroutinefunction(inspect.unwrap(original)) else call
    setattr(chosen, _MARK, True)
    return chosen


class _Heard:
    """One call, from its request to the last piece of its answer."""

    def __init__(self, live: Live, reader: Any) -> None:
        self.live = live
        self._reader = reader
        self._first = False
        self._over = False

    @guarded("openai", None)
    def piece(self, item: Any) -> None:
        """A piece of the stream."""
        if self._reader.take(item) and not self._first:
            self._first = True
            self.live.set(names.TIME_TO_FIRST, (self.live.runtime.clock() - self.live.started_ns) / 1e9)

    @guarded("openai", None)
    def ended(self, how: str, error: BaseException | None = None) -> None:
        """The stream, or the call, is over."""
        if self._over:
            return
        self._over = True
        try:
            self._say(self._reader.answered())
            if how in {"closed", "collected"}:
                self.live.set(names.GENERATOR_END, how)
            if error is not None:
                self.live.fail(error)
                _status(self.live, error)
        finally:
            self.live.end()

    @guarded("openai", None)
    def whole(self, answer: Any) -> None:
        """The answer came at once."""
        self._over = True
        try:
            self._say(read_answer(answer))
        finally:
            self.live.end()

    def _say(self, answered: Answered) -> None:
        self.live.set_all(answered.attributes)
        if answered.output and self.live.captures:
            limit = self.live.runtime.settings.content_limit
            said = output_messages(answered.output)
            self.live.set_content(names.OUTPUT_MESSAGES, said, limit=limit, as_is=False)


def _answered(answer: Any, heard: _Heard) -> Any:
    if hasattr(answer, "__aiter__") and hasattr(answer, "close"):
        return AsyncObservedStream(answer, heard)
    if hasattr(answer, "__next__") and hasattr(answer, "close"):
        return ObservedStream(answer, heard)
    heard.whole(answer)
    return answer


@guarded("openai", None)
def _start(
    runtime: Runtime, client: Any, operation: str, reader: Callable[[], Any], request: Mapping[str, Any]
) -> _Heard | None:
    model = request.get("model")
    model = model if isinstance(model, str) else ""
    host = urlsplit(str(getattr(client, "base_url", ""))).hostname or ""
    attributes: dict[str, Any] = {names.OPERATION: operation, names.PROVIDER: _provider(client, host)}
    if model:
        attributes[names.REQUEST_MODEL] = model
    if host:
        attributes[names.SERVER_ADDRESS] = host
    if request.get("stream") is True:
        attributes[names.REQUEST_STREAM] = True
    for name in _PARAMETERS:
        if isinstance(request.get(name), str | int | float):
            attributes[names.REQUEST_PREFIX + name] = request[name]
    live = begin(runtime, f"{operation} {model}".strip(), attributes)
    if live is None:
        return None
    _record_request(live, operation, request)
    return _Heard(live, reader())


@guarded("openai", None)
def _record_request(live: Live, operation: str, request: Mapping[str, Any]) -> None:
    if not live.captures:
        return
    limit = live.runtime.settings.content_limit
    asked = request.get("messages", request.get("input"))
    if asked is not None:
        items = list(asked) if isinstance(asked, list | tuple) else [asked]
        said = as_messages(items if operation != "embeddings" else [str(item)[:limit] for item in items], "user")
        live.set_content(names.INPUT_MESSAGES, said, limit=limit, as_is=False)
    if isinstance(request.get("instructions"), str):
        parts = [{"type": "text", "content": request["instructions"]}]
        live.set_content(names.SYSTEM_INSTRUCTIONS, parts, limit=limit, as_is=False)
    if isinstance(request.get("tools"), list | tuple):
        live.set_content(names.TOOL_DEFINITIONS, list(request["tools"]), limit=limit, as_is=False)


def _sent(client: Any, live: Live, request: dict[str, Any]) -> dict[str, Any]:
    """Towards our gateway, say which trace the call belongs to, so that its span and ours are found together."""
    return _with_trace(client, live, request) or request


@guarded("openai", None)
def _with_trace(client: Any, live: Live, request: dict[str, Any]) -> dict[str, Any] | None:
    ours = urlsplit(live.runtime.settings.base_url)
    theirs = urlsplit(str(getattr(client, "base_url", "")))
    if (ours.hostname, ours.port) != (theirs.hostname, theirs.port):
        return None
    here = live.span.get_span_context()
    parent = f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags) & 1:02x}"
    headers = {"traceparent": parent, **_attribution(stamps())}
    given = request.get("extra_headers")
    return {**request, "extra_headers": {**headers, **(given if isinstance(given, Mapping) else {})}}


def _attribution(said: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands on our span as headers for the gateway's. Clients send only ASCII; the rest stays out."""
    found = {header: str(said[key]) for key, header in _HEADERS.items() if key in said}
    tags = [tag for tag in said.get(names.TAGS, ()) if "," not in tag]
    if tags:
        found["Spanmeter-Tags"] = ",".join(tags)
    for key, value in said.items():
        if key.startswith(names.PROPERTY_PREFIX):
            found[f"Spanmeter-Property-{key.removeprefix(names.PROPERTY_PREFIX)}"] = str(value)
    return {
        name: value
        for name, value in found.items()
        if value.isascii() and value.isprintable() and _HEADER_NAME.fullmatch(name)
    }


def _provider(client: Any, host: str) -> str:
    if "Azure" in type(client).__name__ or host.endswith(".openai.azure.com"):
        return "azure.ai.openai"
    return _PROVIDERS.get(host, "openai")


def _status(live: Live, error: BaseException) -> None:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        live.set("http.response.status_code", status)
