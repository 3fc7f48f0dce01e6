"""Template tags that print values and link the shell.

Every value is escaped by format_html; nothing here marks user data as safe.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.ui import format as words
from apps.ui.addresses import settings_href
from apps.ui.json_view import tokens_of

register = template.Library()

_RELATED = {
    "traces:list": {"traces:trace"},
    "traces:sessions": {"traces:session"},
    "traces:users": {"traces:user"},
    "scores:names": {"scores:score"},
    "evals:rules": {f"evals:{name}" for name in ("rule-choose", "rule-new", "rule", "backfills", "backfill")},
    "alerts:incidents": {
        f"alerts:{name}" for name in ("incident", "rules", "rule-new", "rule", "channels", "deliveries", "quiet")
    },
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """One drawing of the sprite, in the ink of its surroundings."""
    return format_html(
        '<svg width="16" height="16" aria-hidden="true"><use href="{}#{}"></use></svg>', static("img/icons.svg"), name
    )


@register.simple_tag
def swatch(ink: str) -> SafeString:
    """A small square in the ink of a chart's series."""
    return format_html('<span class="swatch ink-{}" aria-hidden="true"></span>', ink)


@register.simple_tag(takes_context=True)
def nav_link(context: dict[str, Any], view: str, icon_name: str, label: str) -> SafeString:
    """One entry of the sidebar."""
    try:
        href = reverse(view, args=[context["nav"].project.slug])
    except NoReverseMatch:
        return SafeString("")
    match = getattr(context.get("request"), "resolver_match", None)
    here = match.view_name if match else ""
    current = SafeString(' aria-current="page"') if here == view or here in _RELATED.get(view, ()) else ""
    return format_html('<a href="{}" data-go="{}"{}>{}{}</a>', href, icon_name, current, icon(icon_name), label)


@register.simple_tag(takes_context=True)
def settings_link(context: dict[str, Any]) -> SafeString:
    """The sidebar's way to keys, members and the project's own settings."""
    href = settings_href(context["nav"].project.slug)
    if not href:
        return SafeString("")
    match = getattr(context.get("request"), "resolver_match", None)
    current = SafeString(' aria-current="page"') if match and match.app_name == "accounts" else ""
    return format_html('<a href="{}"{}>{}{}</a>', href, current, icon("settings"), "Settings")


@register.simple_tag
def money(amount: Decimal | None, currency: str = "USD") -> SafeString:
    """An amount with all its digits in the title; unknown is a dash that says so."""
    if amount is None:
        return format_html('<span class="unknown" title="unknown">{}</span>', words.DASH)
    return format_html(
        '<span title="{}">{}</span>', words.exact_money(amount, currency), words.money_text(amount, currency)
    )


@register.simple_tag
def money_short(amount: Decimal | None, currency: str = "USD") -> SafeString:
    """An amount in a narrow column, with all its digits in the title."""
    if amount is None:
        return format_html('<span class="unknown" title="unknown">{}</span>', words.DASH)
    return format_html(
        '<span title="{}">{}</span>', words.exact_money(amount, currency), words.short_money(amount, currency)
    )


@register.simple_tag
def tokens(number: int | Decimal | None) -> SafeString:
    """A count, shortened, exact in the title."""
    if number is None:
        return format_html('<span class="unknown" title="unknown">{}</span>', words.DASH)
    if -10_000 < number < 10_000:
        return format_html("{}", words.count_text(number))
    return format_html(
        '<span title="{}">{}</span>',
        f"{number:,f}" if isinstance(number, Decimal) else f"{number:,}",
        words.count_text(number),
    )


@register.simple_tag
def exact(number: int) -> str:
    """A count with all its digits: where numbers must add up in sight."""
    return f"{number:,}"


@register.simple_tag
def duration(seconds: float | None) -> SafeString:
    """A span of time, exact in the title."""
    if seconds is None:
        return format_html('<span class="unknown" title="unknown">{}</span>', words.DASH)
    return format_html('<span title="{}">{}</span>', f"{seconds:.6f} s", words.duration_text(seconds))


@register.simple_tag
def lasted(start: datetime, end: datetime) -> SafeString:
    """The time from one moment to another; what has only begun has lasted seconds, not nothing."""
    return duration(max(0.0, (end - start).total_seconds()))


@register.simple_tag
def percent(share: float | None) -> str:
    """A share of one as percent."""
    return words.percent_text(share)


@register.simple_tag
def ago(moment: datetime | None, now: datetime | None = None) -> SafeString:
    """Relative, with the exact time in the title and for machines."""
    if moment is None:
        return format_html('<span class="unknown">{}</span>', words.DASH)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        _exact(moment),
        words.ago_text(moment, now=now or datetime.now(UTC)),
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """The exact time, to the millisecond, with its zone."""
    if value is None:
        return format_html('<span class="unknown">{}</span>', words.DASH)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), _exact(value))


def _exact(value: datetime) -> str:
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local.tzname() or ''}".strip()


@register.filter
def filesize_of(text: str) -> str:
    """The size of a text as UTF-8."""
    return words.bytes_text(len(text.encode("utf-8", "replace")))


@register.filter
def filesize(size: int) -> str:
    """A number of bytes."""
    return words.bytes_text(size)


@register.filter
def pretty_json(text: str) -> SafeString:
    """JSON indented and coloured; what is not JSON stays as it came."""
    return format_html_join("", "{}", ((_piece(kind, piece),) for kind, piece in tokens_of(text)))


def _piece(kind: str, piece: str) -> SafeString | str:
    return format_html('<span class="j-{}">{}</span>', kind, piece) if kind else piece


@register.filter
def as_json(value: object) -> str:
    """A value as JSON text (not for script elements: use json_script)."""
    return json.dumps(value, ensure_ascii=False, default=str)
