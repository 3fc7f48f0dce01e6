"""Where the pages of other rooms are, by name. Pure look-ups: nothing here asks who may see them."""

from django.urls import NoReverseMatch, reverse

__all__ = ["keys_href", "settings_href"]


def settings_href(project: str) -> str:
    """The settings of a project, or nothing where they are not installed."""
    return _first(("accounts:project",), project)


def keys_href(project: str) -> str:
    """Where a project's keys are made."""
    return _first(("accounts:keys", "accounts:project"), project) or "/settings/"


def _first(names: tuple[str, ...], project: str) -> str:
    for name in names:
        try:
            return reverse(name, args=[project])
        except NoReverseMatch:
            continue
    return ""
