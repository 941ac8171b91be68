"""Doors of the ground: switch workspace, watch a job, say that the process lives."""

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock, jobs
from core.actors import Actor
from core.http import WorkspaceRequest
from core.middleware import SESSION_KEY
from core.models import Job
from core.permissions import Permission, may, public, requires, roles_with
from core.queries import active_membership


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


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that is too old or comes from elsewhere."""
    return render(request, "403_csrf.html", status=403)
