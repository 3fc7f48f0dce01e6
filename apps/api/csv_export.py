"""A list as CSV: every page after another, streamed, so that the size of the answer is not the size of our memory."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

__all__ = ["CsvRenderer", "csv_lines", "csv_response"]

_MOST_ROWS = 100_000
# A spreadsheet would run a cell that begins like this.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """Makes `?format=csv` and `Accept: text/csv` choosable; the view streams the answer itself."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """An error: what a view gives instead of a list."""
        error = data.get("error", {}) if isinstance(data, dict) else {}
        return f"{error.get('code', 'error')}: {error.get('message', '')}\n".encode()


class _Line:
    """A file that gives back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_response(pages: Iterable[Iterable[Mapping[str, Any]]], *, name: str) -> StreamingHttpResponse:
    """Stream rows as an attachment."""
    response = StreamingHttpResponse(csv_lines(pages), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def csv_lines(pages: Iterable[Iterable[Mapping[str, Any]]], *, most: int = _MOST_ROWS) -> Iterator[str]:
    """The heading from the first row, then at most `most` rows."""
    writer = csv.writer(_Line())
    written = 0
    for page in pages:
        for row in page:
            if not written:
                yield writer.writerow(row)
            yield writer.writerow([_cell(value) for value in row.values()])
            written += 1
            if written >= most:
                return


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = " ".join(str(part) for part in value)
    elif isinstance(value, Mapping):
        value = " ".join(f"{key}={part}" for key, part in value.items())
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    return text[:1] == "-" and text[1:].replace(".", "", 1).isdigit()
