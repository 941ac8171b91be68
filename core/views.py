"""Doors of the ground: switch workspace, watch a job, read notifications, say that the process lives."""

from dataclasses import asdict
from typing import Final

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import defaults
from django.views.decorators.http import require_GET, require_POST

from core import clock, jobs, notify
from core.actors import Actor
from core.forms import NotificationChoiceForm, WebhookForm
from core.http import WorkspaceRequest
from core.middleware import SESSION_KEY, is_api, json_error
from core.models import Job
from core.permissions import Permission, may, public, requires, roles_with
from core.queries import active_membership

NOTIFICATIONS: Final = 100


@public("The switch itself; it checks the membership of the signed-in user.")
@require_POST
def switch_workspace(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Enters another workspace of the same user. A membership of somebody else does not exist here."""
    membership = (
        active_membership(user_id=request.user.pk, membership_id=membership_id)
        if request.user.is_authenticated
        else None
    )
    if membership is None or membership.pk != membership_id:
        raise Http404
    request.session[SESSION_KEY] = membership.pk
    return redirect("/")


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def job_progress(request: WorkspaceRequest, job_id: int) -> HttpResponse:
    """The progress row of a job; asks again by itself until the job is over."""
    job = get_object_or_404(Job.objects.all(), pk=job_id)
    response = render(request, "core/_job.html", {"job": job, "now": clock.now()})
    if job.is_over and request.htmx:
        response["HX-Refresh"] = "true"
    return response


@requires(Permission.VIEW_ACCOUNTS)
@require_POST
def cancel_job(request: WorkspaceRequest, job_id: int) -> HttpResponse:
    """Asks a job to stop and shows its row, for those who may start jobs of its kind."""
    job = get_object_or_404(Job.objects.all(), pk=job_id)
    needed = jobs.permission_of(job.kind)
    if not may(request.membership.role, needed):
        return render(request, "403.html", {"who": roles_with(needed)}, status=403)
    jobs.cancel_job(job_id=job.pk, actor=Actor.person(request.membership), now=clock.now())
    job.refresh_from_db()
    return render(request, "core/_job.html", {"job": job, "now": clock.now()})


@public("The keyboard and help page says nothing about anybody.")
@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "core/help.html")


@public("Read by the process manager.")
@require_GET
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@public("Read by the load balancer.")
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"ok": False, "database": "no answer"}, status=503)
    return JsonResponse({"ok": True})


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to a fault, in the words of the page or of the API."""
    if is_api(request):
        words = "A fault on our side; nothing was changed. Ask again later, and tell us if it stays."
        return json_error(500, "fault", words)
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that is too old or comes from elsewhere."""
    return render(request, "403_csrf.html", status=403)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def notification_list(request: WorkspaceRequest) -> HttpResponse:
    """What the member was told, the latest first."""
    shown = list(notify.notifications(request.membership.pk)[: NOTIFICATIONS + 1])
    context = {
        "rows": shown[:NOTIFICATIONS],
        "more": len(shown) > NOTIFICATIONS,
        "page_size": NOTIFICATIONS,
        "unread": any(row.read_at is None for row in shown),
        "today": request.tenant.today(clock.now()),
    }
    return render(request, "core/notifications.html", context)


@requires(Permission.VIEW_ACCOUNTS)
@require_POST
def read_notification(request: WorkspaceRequest, notification_id: int) -> HttpResponse:
    """Marks one as read and goes to what it is about."""
    if notification_id >= 2**63:
        raise Http404
    found = notify.mark_read(membership_id=request.membership.pk, now=clock.now(), notification_id=notification_id)
    if found is None:
        raise Http404
    return redirect(found.url or "core:notifications")


@requires(Permission.VIEW_ACCOUNTS)
@require_POST
def read_all_notifications(request: WorkspaceRequest) -> HttpResponse:
    """Marks everything as read."""
    notify.mark_read(membership_id=request.membership.pk, now=clock.now())
    return redirect("core:notifications")


@requires(Permission.VIEW_ACCOUNTS)
def notification_choices(request: WorkspaceRequest) -> HttpResponse:
    """How the member wants to be told: e-mail, Slack, digest, quiet hours."""
    member = request.membership.pk
    form = NotificationChoiceForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        notify.save_choice(membership_id=member, choice=notify.Choice(**form.cleaned_data))
        return redirect("core:notification_choices")
    choice = notify.choices_of({member}).get(member, notify.Choice())
    context = {"form": form or NotificationChoiceForm(initial=asdict(choice)), **_webhook(request)}
    return render(request, "core/notification_choices.html", context, status=422 if form else 200)


@requires(Permission.MANAGE_MEMBERS)
@require_POST
def chat_webhook(request: WorkspaceRequest) -> HttpResponse:
    """Keeps the workspace's Slack address."""
    form = WebhookForm(request.POST)
    if form.is_valid():
        notify.save_webhook(url=form.cleaned_data["url"], actor=Actor.person(request.membership), now=clock.now())
        return redirect("core:notification_choices")
    member = request.membership.pk
    choice = notify.choices_of({member}).get(member, notify.Choice())
    context = {"form": NotificationChoiceForm(initial=asdict(choice)), **_webhook(request), "webhook_form": form}
    return render(request, "core/notification_choices.html", context, status=422)


def _webhook(request: WorkspaceRequest) -> dict[str, object]:
    known = notify.webhook()
    return {
        "webhook": known,
        "may_set_webhook": may(request.membership.role, Permission.MANAGE_MEMBERS),
        "webhook_form": WebhookForm(),
        "zone": request.tenant.timezone,
    }
