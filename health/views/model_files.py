"""Doors of health: a score model as a file, and the jobs that prove it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from core.process_files import BadFiles, from_bytes, text_of
from health.actions.drafts import draft_from_file
from health.actions.proving import start_proposal, start_validation
from health.queries.editor import model_page
from health.queries.live import KIND
from health.views.models import may_edit

MOST_BYTES = 200_000


@requires(Permission.VIEW_HEALTH)
@require_GET
def model_yaml(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The shown version as the file that commands read."""
    page = model_page(key, view=request.GET.get("view", ""))
    if page is None:
        raise Http404
    name = f'attachment; filename="score_model-{page.shown.pk}.yaml"'
    return HttpResponse(
        text_of(page.shown), content_type="application/yaml; charset=utf-8", headers={"Content-Disposition": name}
    )


@requires(Permission.CONFIGURE_PROCESSES)
@require_http_methods(["GET", "POST"])
def model_upload(request: WorkspaceRequest) -> HttpResponse:
    """A score model from a file or from its text, as a draft under its own key."""
    page = model_page(request.GET.get("model", "").replace("\x00", "")[:80])
    text = text_of(page.shown) if page else ""
    problem = ""
    if request.method == "POST":
        text = request.POST.get("text", "")[:MOST_BYTES]
        sent = request.FILES.get("file")
        data = sent.read(MOST_BYTES + 1) if sent else text.encode("utf-8", "replace")
        file = (sent.name if sent else "") or "model.yaml"
        try:
            document = from_bytes(data, file)
            if document.kind != KIND:
                problem = f"{file} is a {document.kind}, no score_model."
            else:
                version = draft_from_file(document=document, actor=Actor.person(request.membership), now=clock.now())
                messages.success(request, f"Draft v{version.number} says what the file says.")
                return redirect("health:model", version.key)
        except BadFiles as bad:
            problem = str(bad)
        except ValueError as bad:
            problem = str(bad)
    context = {"text": text, "problem": problem, "page": page}
    return render(request, "health/model/upload.html", context, status=422 if problem else 200)


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
    job = start_proposal(
        version=page.shown, actor=Actor.person(request.membership), now=now, today=request.tenant.today(now)
    )
    return _started(request, key, job)


def _started(request: WorkspaceRequest, key: str, job: object) -> HttpResponse:
    if not request.htmx:
        return redirect("health:model", key)
    page = model_page(key)
    context = {"page": page, "proof_job": job, "now": clock.now(), **may_edit(request)}
    return render(request, "health/model/_proof_acts.html", context)
