"""Pages of channels, the delivery log, silences and maintenance windows."""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.access import access_project, has_role, signed_in
from apps.accounts.models import Project, Role
from apps.alerts.channel_services import (
    SavedChannel,
    channel_create,
    channel_delete,
    channel_enable,
    channel_test,
    channel_update,
    delivery_replay,
)
from apps.alerts.channels import CHANNELS
from apps.alerts.contexts import ChannelsContext, DeliveriesContext, QuietContext
from apps.alerts.deliver import caller_of_installation
from apps.alerts.fields import duration_of
from apps.alerts.forms import ChannelForm, MaintenanceForm, SilenceForm
from apps.alerts.models import Channel, Delivery, MaintenanceWindow
from apps.alerts.paging import cut
from apps.alerts.selectors import (
    channel_of,
    channels_of,
    deliveries_of,
    delivery_of,
    rule_of,
    rules_of,
    silences_in_force,
)
from apps.alerts.services import maintenance_create, silence_create, silence_end
from apps.api.rule_error import RuleError
from apps.ui.htmx import render_page
from apps.ui.links import Choice, changed

__all__ = ["channel_act_view", "channel_list_view", "delivery_list_view", "delivery_replay_view", "quiet_view"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def channel_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Channels; the form makes one, or changes the one that `edit` names. A made secret is in this answer alone."""
    found = access_project(request.user, project, role=Role.ADMIN if request.method == "POST" else Role.VIEWER)
    editing = channel_of(found, request.GET["edit"]) if request.GET.get("edit") else None
    kind = editing.kind if editing else request.GET.get("kind", "webhook")
    if kind not in CHANNELS:
        raise Http404("No such kind of channel")
    values = editing.config if editing else None
    given = request.POST if request.method == "POST" else None
    form = ChannelForm(given, kind=kind, values=values, name=editing.name if editing else "")
    saved: SavedChannel | None = None
    if request.method == "POST" and form.is_valid():
        try:
            saved = _saved(form, found, editing, kind=kind, request=request)
        except RuleError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{saved.channel.name} was saved.")
            if not saved.made:
                return redirect("alerts:channels", found.slug)
            form, editing = ChannelForm(kind=kind), None
    labels = {name: channel.label for name, channel in CHANNELS.items()}
    context = ChannelsContext(
        channels=[(channel, labels.get(channel.kind, channel.kind)) for channel in channels_of(found)],
        kinds=[Choice(label, f"?kind={name}", current=name == kind) for name, label in labels.items()],
        kind=labels[kind],
        kind_help=CHANNELS[kind].help,
        editing=editing,
        form=form,
        made=tuple(saved.made.items()) if saved else (),
        may_change=has_role(request.user, found.organisation, Role.ADMIN),
        now=datetime.now(UTC),
    )
    return render_page(request, "alerts/channels.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def channel_act_view(request: HttpRequest, project: str, channel: str) -> HttpResponse:
    """Send a test, use it again, delete it."""
    found = access_project(request.user, project, role=Role.ADMIN)
    row, do = channel_of(found, channel), request.POST.get("do")
    if do == "test":
        _tell(request, channel_test(channel=row, now=datetime.now(UTC), caller=caller_of_installation()))
    elif do == "enable" and channel_enable(channel=row):
        messages.success(request, f"{row.name} is used again.")
    elif do == "delete":
        channel_delete(channel=row)
        messages.success(request, f"{row.name} was deleted.")
    return redirect("alerts:channels", found.slug)


@require_GET
@login_required
def delivery_list_view(request: HttpRequest, project: str) -> HttpResponse:
    """Every message, and every try to deliver it."""
    found = access_project(request.user, project)
    status = request.GET.get("status", "")
    status = status if status in Delivery.Status.values else ""
    rows, next_href = cut(deliveries_of(found, status=status).prefetch_related("log"), request.GET)
    choices = [("All", ""), *((label, str(value)) for value, label in Delivery.Status.choices)]
    context = DeliveriesContext(
        deliveries=rows,
        choices=[
            Choice(str(label), changed(request.GET, {"status": value, "page": None}), current=value == status)
            for label, value in choices
        ],
        next_href=next_href,
        may_change=has_role(request.user, found.organisation, Role.MEMBER),
        now=datetime.now(UTC),
    )
    return render_page(request, "alerts/deliveries.html", context)


@require_POST
@login_required
def delivery_replay_view(request: HttpRequest, project: str, delivery: str) -> HttpResponse:
    """Send it again."""
    found = access_project(request.user, project, role=Role.MEMBER)
    row = delivery_of(found, delivery)
    if delivery_replay(delivery=row, now=datetime.now(UTC)):
        messages.success(request, f"{row.message_id} is sent again, under the same id.")
    else:
        messages.warning(request, f"{row.message_id} is waiting to be sent anyway.")
    return redirect("alerts:deliveries", found.slug)


@require_http_methods(["GET", "POST"])
@login_required
def quiet_view(request: HttpRequest, project: str) -> HttpResponse:
    """Silences and maintenance windows."""
    found = access_project(request.user, project, role=Role.MEMBER if request.method == "POST" else Role.VIEWER)
    now, do = datetime.now(UTC), request.POST.get("do", "")
    silence_form = SilenceForm(request.POST if do == "silence" else None, rules=list(rules_of(found)))
    maintenance_form = MaintenanceForm(request.POST if do == "maintenance" else None)
    refused = False
    if request.method == "POST":
        try:
            if _quieted(request, found, silence_form, maintenance_form, now=now):
                return redirect("alerts:quiet", found.slug)
        except RuleError as error:
            messages.error(request, f"{error.message}: {error.hint}.")
        refused = True
    context = QuietContext(
        silences=tuple(silences_in_force(found, now=now)),
        windows=[
            (window, ", ".join(_DAYS[day] for day in window.weekdays))
            for window in MaintenanceWindow.objects.filter(project=found)
        ],
        silence_form=silence_form,
        maintenance_form=maintenance_form,
        zone=settings.TIME_ZONE,
        may_change=has_role(request.user, found.organisation, Role.MEMBER),
        now=now,
    )
    return render_page(request, "alerts/quiet.html", context, status=400 if refused else 200)


def _quieted(
    request: HttpRequest, project: Project, silence: SilenceForm, maintenance: MaintenanceForm, *, now: datetime
) -> bool:
    do = request.POST.get("do", "")
    if do == "silence" and silence.is_valid():
        given = silence.cleaned_data
        length = duration_of(given["length"])
        assert length is not None  # noqa: S101  (a choice)
        rule = rule_of(project, given["rule"]) if given["rule"] else None
        silence_create(
            project=project,
            rule=rule,
            starts_at=now,
            ends_at=now + length,
            by=signed_in(request.user),
            comment=given["comment"],
        )
        return True
    if do == "maintenance" and maintenance.is_valid():
        given = maintenance.cleaned_data
        maintenance_create(
            project=project, name=given["name"], weekdays=[int(day) for day in given["weekdays"]],
            starts=given["starts"], minutes=given["minutes"], zone=settings.TIME_ZONE,
        )  # fmt: skip
        return True
    if do.startswith("end:"):
        row = next((one for one in silences_in_force(project, now=now) if str(one.pk) == do[4:]), None)
        return row is None or silence_end(silence=row, now=now) or True
    if do.startswith("remove:"):
        for window in MaintenanceWindow.objects.filter(project=project):
            if str(window.pk) == do[7:]:
                window.delete()
        return True
    return False


def _saved(
    form: ChannelForm, project: Project, editing: Channel | None, *, kind: str, request: HttpRequest
) -> SavedChannel:
    name, values = form.cleaned_data["name"], form.values()
    if editing is not None:
        return channel_update(channel=editing, name=name, values=values)
    return channel_create(project=project, name=name, kind=kind, values=values, created_by=signed_in(request.user))


def _tell(request: HttpRequest, delivery: Delivery) -> None:
    if delivery.status == Delivery.Status.SENT:
        messages.success(request, f"The test arrived at {delivery.channel.name}.")
    else:
        messages.error(request, f"The test did not arrive: {delivery.problem}")
