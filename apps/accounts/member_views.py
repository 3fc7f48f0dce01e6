"""Settings pages of members and invitations."""

from smtplib import SMTPException

import structlog
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import services
from apps.accounts.access import access_organisation, role_in
from apps.accounts.forms import InviteForm, JoinForm, RoleForm
from apps.accounts.models import Invitation, Membership, Organisation, Role, User
from apps.accounts.views import refused

__all__ = ["invitation_view", "invitation_withdraw_view", "member_list_view", "member_remove_view", "member_role_view"]

_log = structlog.get_logger(__name__)
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def member_list_view(request: HttpRequest, organisation: str) -> HttpResponse:
    """Who is in, who is invited. The answer to the form shows the invitation's link; it is mailed as well when mail is
    set up.
    """
    found = access_organisation(
        request.user, organisation, role=Role.ADMIN if request.method == "POST" else Role.VIEWER
    )
    form, link, invited = InviteForm(request.POST if request.method == "POST" else None), "", ""
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        _may_give(request, found, role)
        try:
            invitation, token = services.member_invite(
                organisation=found,
                email=form.cleaned_data["email"],
                role=role,
                invited_by=request.user,  # type: ignore[arg-type]
            )
        except ValidationError as error:
            refused(form, error)
        else:
            link = request.build_absolute_uri(reverse("accounts:invitation", args=[token]))
            invited = invitation.email
            _mail(invitation, link)
            form = InviteForm()
    own = role_in(request.user, found)
    context = {
        "organisation": found,
        "memberships": found.memberships.select_related("user").order_by("created_at"),
        "invitations": found.invitations.order_by("email"),
        "form": form,
        "link": link,
        "invited": invited,
        "roles": Role.choices,
        "may_change": own is not None and own.rank >= Role.ADMIN.rank,
    }
    return render(request, "accounts/members.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def member_role_view(request: HttpRequest, organisation: str, member: int) -> HttpResponse:
    """Give a member another role."""
    found = access_organisation(request.user, organisation, role=Role.ADMIN)
    membership = _member(found, member)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        _may_give(request, found, role)
        _may_give(request, found, Role(membership.role))
        try:
            services.membership_change(membership=membership, role=role)
            messages.success(request, f"{membership.user} is {role.label.lower()} now.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
    return redirect("accounts:members", found.slug)


@require_POST
@login_required
def member_remove_view(request: HttpRequest, organisation: str, member: int) -> HttpResponse:
    """Take a member's place away; everybody may leave."""
    found = access_organisation(request.user, organisation)
    membership = _member(found, member)
    if membership.user_id != request.user.pk:
        access_organisation(request.user, organisation, role=Role.ADMIN)
        _may_give(request, found, Role(membership.role))
    try:
        services.membership_remove(membership=membership)
        messages.success(request, f"{membership.user} has left {found}.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("home" if membership.user_id == request.user.pk else reverse("accounts:members", args=[found.slug]))


@require_POST
@login_required
def invitation_withdraw_view(request: HttpRequest, organisation: str, invitation: int) -> HttpResponse:
    """Make an invitation's link worthless."""
    found = access_organisation(request.user, organisation, role=Role.ADMIN)
    row = Invitation.objects.filter(organisation=found, pk=invitation).first()
    if row is None:
        raise Http404("No such invitation")
    services.invitation_withdraw(invitation=row)
    return redirect("accounts:members", found.slug)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation_view(request: HttpRequest, token: str) -> HttpResponse:
    """Where an invitation's link leads: join as who you are, or make the account it is for."""
    invitation = services.invitation_find(token)
    if invitation is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    known = user is not None or User.objects.filter(email=invitation.email).exists()
    given = request.POST if request.method == "POST" else None
    form = None if known else JoinForm(given, email=invitation.email)
    if request.method == "POST":
        if user is None and form is not None and form.is_valid():
            with transaction.atomic():
                user = User.objects.create_user(email=invitation.email, password=form.cleaned_data["password"])
                services.invitation_accept(invitation=invitation, user=user)
            login(request, user, backend=_BACKEND)
            return redirect("home")
        if user is not None:
            services.invitation_accept(invitation=invitation, user=user)
            return redirect("home")
    context = {
        "invitation": invitation,
        "form": form,
        "known": known,
        "sign_in": f"{reverse('account_login')}?next={request.path}",
    }
    return render(request, "accounts/invitation.html", context, status=400 if form and form.errors else 200)


def _member(organisation: Organisation, member: int) -> Membership:
    membership = organisation.memberships.select_related("user").filter(pk=member).first()
    if membership is None:
        raise Http404("No such member")
    return membership


def _may_give(request: HttpRequest, organisation: Organisation, role: Role) -> None:
    """Nobody gives, or takes, a role above their own."""
    own = role_in(request.user, organisation)
    if own is None or own.rank < role.rank:
        raise PermissionDenied(f"Only an owner of {organisation} may do this.")


def _mail(invitation: Invitation, link: str) -> None:
    text = (
        f"{invitation.invited_by} invites you to {invitation.organisation}.\n\n{link}\n\nIt is good for seven days.\n"
    )
    try:
        send_mail(f"Join {invitation.organisation} on Spanmeter", text, None, [invitation.email])
    except (OSError, SMTPException) as error:  # the page shows the link anyway
        _log.warning("invitation_not_mailed", error=str(error))
