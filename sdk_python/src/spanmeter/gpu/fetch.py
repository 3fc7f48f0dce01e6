"""One GET of a metrics page, bounded in time and size. The only file of the agent's sources that opens a connection."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

from spanmeter.gpu.prometheus import LARGEST_PAGE
from spanmeter.gpu.source import SourceFailed

__all__ = ["Fetched", "NobodyListens", "fetch"]


class NobodyListens(SourceFailed):
    """The connection was refused: there is no server at this address now."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. Not `complete`: the connection ended early, or the page is longer than is read."""

    status: int
    body: bytes
    complete: bool


def fetch(url: str, *, seconds: float = 5.0, most: int = LARGEST_PAGE) -> Fetched:
    """Return the page, whatever its status. Raises SourceFailed when there is none."""
    request = urllib.request.Request(url, headers={"Accept": "text/plain;version=0.0.4, */*;q=0.1"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - the operator's own address
            return _read(answer, answer.status, most)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error, error.code, most)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise NobodyListens(f"{url}: connection refused; is the server running, and on this port?") from error
        raise SourceFailed(f"{url}: {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceFailed(f"{url}: {type(error).__name__} {error}".rstrip()) from error


def _read(answer: "http.client.HTTPResponse | urllib.error.HTTPError", status: int, most: int) -> Fetched:
    pieces: list[bytes] = []
    size = 0
    while size <= most:
        try:
            piece = answer.read(min(65536, most + 1 - size))
        except http.client.IncompleteRead as error:
            return Fetched(status, b"".join([*pieces, error.partial])[:most], complete=False)
        except OSError:
            return Fetched(status, b"".join(pieces)[:most], complete=False)
        if not piece:
            promised = answer.headers.get("Content-Length", "")
            cut = promised.isdigit() and int(promised) > size
            return Fetched(status, b"".join(pieces), complete=not cut)
        pieces.append(piece)
        size += len(piece)
    return Fetched(status, b"".join(pieces)[:most], complete=False)
