"""Where django-allauth asks us: may a stranger make an account here?"""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

__all__ = ["AccountAdapter"]


class AccountAdapter(DefaultAccountAdapter):
    """Closed unless SPANMETER_SIGNUP=open: people come in by invitation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether the sign-up page takes strangers."""
        return bool(settings.SPANMETER_SIGNUP_OPEN)
