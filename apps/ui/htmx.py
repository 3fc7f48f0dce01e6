"""Is this request for a part of a page, and which; page and part are the same template files, so they cannot drift."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from apps.ui.context import context_of

__all__ = ["render_page", "wanted_part"]


def wanted_part(request: HttpRequest) -> str:
    """The id of the element to be replaced, or nothing when the browser wants a whole page (also when it goes back in
    history).
    """
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    return request.headers.get("HX-Target", "")


def render_page(
    request: HttpRequest, template: str, context: object, *, parts: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    """Render the page, or the fragment template that `parts` names for the wanted element."""
    fragment = (parts or {}).get(wanted_part(request))
    response = render(request, fragment or template, context_of(context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-History-Restore-Request"])
    # A page holds private prompts, and a fragment must never be shown in place of its page.
    patch_cache_control(response, private=True, no_store=True)
    return response
