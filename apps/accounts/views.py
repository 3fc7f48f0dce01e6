"""Settings pages of projects and keys. Every lookup goes through access.py, every change through services.py."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts import services
from apps.accounts.access import access_organisation, access_project, has_role, memberships_of, projects_of
from apps.accounts.forms import KeyForm, NameForm, ProjectForm
from apps.accounts.models import ApiKey, Role

__all__ = [
    "home",
    "key_list_view",
    "key_revoke_view",
    "organisation_create_view",
    "project_create_view",
    "project_delete_view",
    "project_list_view",
    "project_view",
    "refused",
]


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Go to the oldest project's overview, or say how to get one."""
    project = projects_of(request.user).order_by("created_at").first()
    if project is None:
        return render(request, "accounts/no_project.html", {"memberships": memberships_of(request.user)})
    return redirect("traces:overview", project.slug)


@require_GET
@login_required
def project_list_view(request: HttpRequest) -> HttpResponse:
    """Every organisation the user is in, with its projects."""
    memberships = memberships_of(request.user).prefetch_related("organisation__projects").order_by("organisation__name")
    return render(request, "accounts/projects.html", {"memberships": memberships, "form": NameForm()})


@require_POST
@login_required
def organisation_create_view(request: HttpRequest) -> HttpResponse:
    """Make an organisation, owned by who asks."""
    form = NameForm(request.POST)
    if form.is_valid():
        organisation = services.organisation_create(name=form.cleaned_data["name"], owner=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{organisation} was made.")
        return redirect("accounts:project-create", organisation.slug)
    messages.error(request, "An organisation needs a name.")
    return redirect("accounts:projects")


@require_http_methods(["GET", "POST"])
@login_required
def project_create_view(request: HttpRequest, organisation: str) -> HttpResponse:
    """A new project in an organisation."""
    found = access_organisation(request.user, organisation, role=Role.ADMIN)
    form = ProjectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            project = services.project_create(organisation=found, **form.cleaned_data)
        except ValidationError as error:
            refused(form, error)
        else:
            messages.success(request, f"{project} was made. It needs a key.")
            return redirect("accounts:keys", project.slug)
    context = {"organisation": found, "form": form}
    return render(request, "accounts/project_create.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@login_required
def project_view(request: HttpRequest, project: str) -> HttpResponse:
    """A project's name and retention."""
    wanted = Role.ADMIN if request.method == "POST" else Role.VIEWER
    found = access_project(request.user, project, role=wanted)
    given = request.POST if request.method == "POST" else None
    form = ProjectForm(given, initial={"name": found.name, "retention_days": found.retention_days})
    if request.method == "POST" and form.is_valid():
        try:
            services.project_update(project=found, **form.cleaned_data)
        except ValidationError as error:
            refused(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("accounts:project", found.slug)
    context = {
        "project": found,
        "form": form,
        "may_change": has_role(request.user, found.organisation, Role.ADMIN),
        "may_delete": has_role(request.user, found.organisation, Role.OWNER),
    }
    return render(request, "accounts/project.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def project_delete_view(request: HttpRequest, project: str) -> HttpResponse:
    """Delete a project, when its name was typed."""
    found = access_project(request.user, project, role=Role.OWNER)
    if " ".join(request.POST.get("name", "").split()) != found.name:
        messages.error(request, f"Nothing was deleted: type the name of the project, {found.name}.")
        return redirect("accounts:project", found.slug)
    services.project_delete(project=found)
    messages.success(request, f"{found.name} was deleted. What was recorded of it is being removed from the store.")
    return redirect("accounts:projects")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def key_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """A project's keys. The answer to the form shows the new secret; nothing else ever does."""
    wanted = Role.ADMIN if request.method == "POST" else Role.VIEWER
    found = access_project(request.user, project, role=wanted)
    form, issued = KeyForm(request.POST if request.method == "POST" else None), None
    if request.method == "POST" and form.is_valid():
        try:
            issued = services.key_issue(
                project=found,
                name=form.cleaned_data["name"],
                created_by=request.user,  # type: ignore[arg-type]
                expires_at=form.expires_at(),
            )
        except ValidationError as error:
            refused(form, error)
        else:
            form = KeyForm()
    keys = found.keys.select_related("created_by")
    may_change = has_role(request.user, found.organisation, Role.ADMIN)
    context = {"project": found, "keys": keys, "form": form, "issued": issued, "may_change": may_change}
    return render(request, "accounts/keys.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def key_revoke_view(request: HttpRequest, project: str, key: int) -> HttpResponse:
    """Stop a key; the gateway notices within SPANMETER_KEY_REFRESH."""
    found = access_project(request.user, project, role=Role.ADMIN)
    row = ApiKey.objects.filter(project=found, pk=key).first()
    if row is None:
        raise Http404("No such key")
    if services.key_revoke(key=row):
        messages.success(request, f"{row.name} was revoked.")
    return redirect("accounts:keys", found.slug)


def refused(form: Form, error: ValidationError) -> None:
    """Show on the form why a service said no."""
    for field, reasons in getattr(error, "error_dict", {None: [error]}).items():
        form.add_error(
            field if field in form.fields else None, [message for one in reasons for message in one.messages]
        )
