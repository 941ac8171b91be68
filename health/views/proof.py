"""Doors of health: what is proven of a score model, and the jobs that prove it."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from health.actions.calibration import start_calibration
from health.actions.validation import start_validation
from health.queries.editor import model_page
from health.queries.proof_panel import proof_panel
from health.views.models import may_edit


@requires(Permission.VIEW_HEALTH)
@require_GET
def validation(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The panel beside the editor: what is proven of the shown version, and the gate."""
    page = model_page(key, view=request.GET.get("view", ""))
    if page is None:
        raise Http404
    proof = proof_panel(page.shown)
    context = {
        "proof": proof,
        "report_url": reverse("health:report", args=[proof.report.pk]) if proof.report else "",
        "key": key,
        "name": page.shown.name,
        "title": "Validation",
        "part": "health/model/_validation.html",
    }
    return render(request, "health/model/part.html", context)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_validate(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Starts the job that tests the shown version on outcomes, and shows its progress in place."""
    page = model_page(key, view=request.GET.get("view", ""))
    if page is None:
        raise Http404
    now = clock.now()
    job = start_validation(
        version=page.shown, actor=Actor.person(request.membership), now=now, today=request.tenant.today(now)
    )
    return _started(request, key, job)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def model_propose(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Starts the job that learns weights from outcomes and writes them into a draft."""
    page = model_page(key)
    if page is None:
        raise Http404
    now = clock.now()
    job = start_calibration(
        version=page.shown, actor=Actor.person(request.membership), now=now, today=request.tenant.today(now)
    )
    return _started(request, key, job)


def _started(request: WorkspaceRequest, key: str, job: object) -> HttpResponse:
    if not request.htmx:
        return redirect("health:model", key)
    page = model_page(key)
    context = {"page": page, "proof_job": job, "now": clock.now(), **may_edit(request)}
    return render(request, "health/model/_proof_acts.html", context)
