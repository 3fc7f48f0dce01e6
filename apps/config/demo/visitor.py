"""The owner, signed in through the form as a person would be: rules and channels are made by people, not by keys."""

import re
from types import TracebackType
from typing import Any

import httpx

from apps.config.demo.server import DemoError

__all__ = ["Visitor"]

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """A browser session at the web process."""

    def __init__(self, web_url: str, *, email: str, password: str, project: str) -> None:
        self._client = httpx.Client(base_url=web_url, timeout=30, headers={"referer": web_url})
        self._project = project
        page = self._client.get("/accounts/login/").text
        token = _TOKEN.search(page)
        form = {"login": email, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        self._client.post("/accounts/login/", data=form)
        if "sessionid" not in self._client.cookies:
            self._client.close()
            raise DemoError(f"{email} cannot sign in with the password of bootstrap.json: it was changed since")

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._client.close()

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the first page of a list."""
        answer = self._client.get(f"/api/v1/{path}", params={"project": self._project})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make something; raises DemoError with what the API says against it."""
        return self._write("POST", path, body)

    def change(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something; raises DemoError with what the API says against it."""
        return self._write("PATCH", path, body)

    def _write(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"x-csrftoken": self._client.cookies.get("csrftoken") or ""}
        answer = self._client.request(
            method, f"/api/v1/{path}", params={"project": self._project}, json=body, headers=headers
        )
        if answer.status_code >= 400:
            raise DemoError(f"{method} /api/v1/{path} answered {answer.status_code}: {answer.text[:500]}")
        written: dict[str, Any] = answer.json()
        return written
