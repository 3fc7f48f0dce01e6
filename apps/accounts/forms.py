"""Forms of the settings pages: what may be typed. Whether it may be done is for access.py, doing it for services.py."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from apps.accounts.models import Role, User

__all__ = ["InviteForm", "JoinForm", "KeyForm", "NameForm", "ProjectForm", "RoleForm"]

_DAYS = [("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")]


class NameForm(forms.Form):
    """A name."""

    name = forms.CharField(max_length=120)


class ProjectForm(NameForm):
    """A project's name and how long it keeps records."""

    retention_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36_500,
        label="Keep records for (days)",
        help_text="Empty keeps them for ever. Older spans are removed within a day; totals stay.",
    )


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(max_length=80, label="Name", help_text="Where it will be used, such as staging.")
    expires = forms.ChoiceField(choices=_DAYS, required=False, label="Expires")

    def expires_at(self) -> Any:
        """When the key ends, or None."""
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class InviteForm(forms.Form):
    """A person to invite."""

    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=Role.choices)


class JoinForm(forms.Form):
    """A password for somebody who comes in by invitation."""

    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False)

    def __init__(self, *arguments: Any, email: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._email = email

    def clean_password(self) -> str:
        """The same rules as everywhere."""
        password: str = self.cleaned_data["password"]
        validate_password(password, user=User(email=self._email))
        return password
