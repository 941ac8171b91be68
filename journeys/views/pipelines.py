"""Doors of stages and gates: the list of pipelines and journeys, and the editor of a pipeline."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock, versioning
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from core.shapes import BadFields
from journeys.actions import pipeline_drafts
from journeys.choices import ForecastCategory, StageKind
from journeys.queries.pipeline_editor import ProcessRow, draft_of, editor_page, stage_processes

LONGEST = 400


@requires(Permission.VIEW_OPPORTUNITIES)
@require_http_methods(["GET", "POST"])
def stages(request: WorkspaceRequest) -> HttpResponse:
    """Every pipeline and journey with its stages and criteria; a POST begins another pipeline."""
    may_edit = may(request.membership.role, Permission.CONFIGURE_PROCESSES)
    problem = ""
    if request.method == "POST" and may_edit:
        name = _typed(request).get("name", "").strip()
        if name:
            version = pipeline_drafts.new_pipeline(name=name, actor=Actor.person(request.membership), now=clock.now())
            return redirect("journeys:pipeline_edit", version.key)
        problem = "Name the new pipeline."
    rows = [(row, _address(row)) for row in stage_processes()]
    context = {"rows": rows, "may_edit": may_edit, "problem": problem}
    return render(request, "journeys/stages/list.html", context, status=422 if problem else 200)


def _address(row: ProcessRow) -> str:
    name = "journeys:pipeline_edit" if row.kind == "pipeline" else "journeys:journey_edit"
    try:
        return reverse(name, args=[row.key])
    except NoReverseMatch:
        return reverse("core:process", args=[row.kind, row.key])


@requires(Permission.VIEW_OPPORTUNITIES)
@require_GET
def pipeline(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The stages of a pipeline with probability, forecast and gates; for those who may, as a form."""
    return _page(request, key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def pipeline_save(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Saves what was changed into the draft. What is wrong comes back at its field, with the draft as it was."""
    typed = _typed(request)
    act, *arguments = typed.get("act", "").split(":")
    chosen = [_plain(one) for one in request.POST.getlist("frameworks")] if "frameworks_shown" in typed else None
    try:
        pipeline_drafts.edit_draft(
            key=_plain(key),
            fields=typed,
            frameworks=chosen,
            act=act,
            arguments=arguments,
            seen_hash=typed.get("seen", ""),
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except BadFields as bad:
        return _page(request, key, status=422, problems=bad.problems, typed=typed)
    except versioning.DraftMoved as moved:
        return _page(request, key, status=409, problems={"": str(moved)}, typed=typed)
    except ValueError as refused:  # the document would no longer be a pipeline
        return _page(request, key, status=422, problems={"": str(refused)}, typed=typed)
    anchor = f"#stage-{arguments[0]}" if arguments and act != "remove" else ""
    return redirect(reverse("journeys:pipeline_edit", args=[key]) + anchor)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def pipeline_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes the draft live, with the reason; or puts it away."""
    typed = _typed(request)
    version = draft_of(_plain(key))
    if version is None:
        raise Http404
    actor, now = Actor.person(request.membership), clock.now()
    if typed.get("act") == "discard":
        versioning.discard(version=version, actor=actor, now=now)
        messages.success(request, f"Draft v{version.number} is discarded. It is kept among the versions.")
        return redirect("journeys:stages")
    reason = typed.get("reason", "").strip()
    if not reason:
        return _page(
            request, key, status=422, problems={"reason": "Say why. It is kept with the version."}, typed=typed
        )
    try:
        live = versioning.publish(version=version, actor=actor, now=now, reason=reason, seen_hash=typed.get("seen", ""))
    except ValueError as refused:
        return _page(request, key, status=422, problems={"reason": str(refused)}, typed=typed)
    messages.success(request, f"Version {live.number} is live.")
    return redirect("journeys:pipeline_edit", key)


def _page(
    request: WorkspaceRequest,
    key: str,
    *,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    page = editor_page(_plain(key), request.tenant.today(clock.now()))
    if page is None:
        raise Http404
    context = {
        "page": page,
        "problems": problems or {},
        "typed": typed or {},
        "kinds": StageKind.choices,
        "forecasts": ForecastCategory.choices,
        "may_edit": may(request.membership.role, Permission.CONFIGURE_PROCESSES),
        "needs_approval": request.tenant.needs_approval,
    }
    return render(request, "journeys/stages/pipeline.html", context, status=status)


def _typed(request: WorkspaceRequest) -> dict[str, str]:
    return {name[:LONGEST]: _plain(value) for name, value in request.POST.items() if isinstance(value, str)}


def _plain(text: str) -> str:
    """Text that can be stored: nothing unprintable, nothing endless."""
    return "".join(sign for sign in text[:LONGEST] if sign.isprintable())
