"""System checks: what is wrong with this installation's settings, each with an id and what to type."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Advice

__all__ = ["check_home", "check_hosts", "check_mail", "check_secret_key"]


@register()
def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Sessions must outlive the process."""
    if not settings.SECRET_KEY_IS_TEMPORARY:
        return []
    return [
        Advice(
            f"No secret key in {settings.SPANMETER_HOME / 'secrets.json'}: everybody is signed out at each restart.",
            hint="Run `python manage.py bootstrap`, or set SPANMETER_SECRET_KEY.",
            id="spanmeter.W001",
        )
    ]


@register()
def check_mail(**_: Any) -> list[CheckMessage]:
    """Open sign-up without mail cannot verify anybody."""
    if not settings.SPANMETER_SIGNUP_OPEN or settings.WEB.email_url:
        return []
    return [
        Advice(
            "SPANMETER_SIGNUP=open without SPANMETER_EMAIL_URL: no address is verified and no password can be reset.",
            hint="Set SPANMETER_EMAIL_URL=smtp+tls://user:password@host:587.",
            id="spanmeter.W002",
        )
    ]


@register()
def check_hosts(**_: Any) -> list[CheckMessage]:
    """A wildcard lets anybody forge links in mails."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Advice(
            "SPANMETER_ALLOWED_HOSTS contains *: links in mails can be forged through the Host header.",
            hint="Name the hosts that people use, separated by commas.",
            id="spanmeter.W003",
        )
    ]


@register()
def check_home(**_: Any) -> list[CheckMessage]:
    """Everything that is written lies below $SPANMETER_HOME."""
    home = settings.SPANMETER_HOME
    if not home.exists() or os.access(home, os.W_OK):
        return []
    return [
        Error(
            f"SPANMETER_HOME={home} cannot be written.",
            hint="Give this user the directory, or point SPANMETER_HOME elsewhere.",
            id="spanmeter.E001",
        )
    ]
