"""A provider's stream, observed: what the host sees is the stream itself, with one listener in between.

The listener hears each piece, and once how it ended: read to its end, failed, closed, or collected half-way. The
synchronous and the asynchronous form have the same words.
"""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from spanmeter._guard import guarded

__all__ = ["AsyncObservedStream", "Listener", "ObservedStream"]


class Listener(Protocol):
    """Hears a stream. Each method is guarded by whoever implements it."""

    def piece(self, item: Any) -> None:
        """A piece has come."""

    def ended(self, how: str, error: BaseException | None = None) -> None:
        """No more will come; later calls mean nothing."""


class _Between:
    """What both forms share: everything that is not said here is the stream's own."""

    def __init__(self, stream: Any, listener: Listener) -> None:
        self._stream = stream
        self._listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __dir__(self) -> list[str]:
        return dir(self._stream)

    @property  # type: ignore[misc] # an object's class is no property elsewhere
    def __class__(self) -> type:  # an isinstance() of the host's finds what it expects
        return type(self._stream)

    @guarded("stream", None)
    def _left(self) -> None:
        self._listener.ended("collected")

    def __del__(self) -> None:
        self._left()


class ObservedStream(_Between):
    """In place of a synchronous stream."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._stream)
        except StopIteration:
            self._listener.ended("exhausted")
            raise
        except BaseException as error:
            self._listener.ended("failed", error)
            raise
        self._listener.piece(item)
        return item

    def __enter__(self) -> Self:
        self._stream.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._listener.ended("closed")
        return self._stream.__exit__(kind, error, trace)

    def close(self) -> Any:
        """Close it."""
        self._listener.ended("closed")
        return self._stream.close()


class AsyncObservedStream(_Between):
    """In place of an asynchronous stream."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            item = await anext(self._stream)
        except StopAsyncIteration:
            self._listener.ended("exhausted")
            raise
        except BaseException as error:
            self._listener.ended("failed", error)
            raise
        self._listener.piece(item)
        return item

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._listener.ended("closed")
        return await self._stream.__aexit__(kind, error, trace)

    async def close(self) -> Any:
        """Close it."""
        self._listener.ended("closed")
        return await self._stream.close()
