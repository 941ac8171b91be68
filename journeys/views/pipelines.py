"""Doors of stages and gates: the list of pipelines and journeys, and the editor of a pipeline."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock, editors
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
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
        name = editors.typed_fields(request, longest=LONGEST).get("name", "").strip()
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
    typed = editors.typed_fields(request, longest=LONGEST)
    act, *arguments = typed.get("act", "").split(":")
    chosen = _frameworks(request) if "frameworks_shown" in typed else None
    try:
        pipeline_drafts.edit_draft(
            key=editors.storable(key, longest=LONGEST),
            fields=typed,
            frameworks=chosen,
            act=act,
            arguments=arguments,
            seen_hash=typed.get("seen", ""),
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except ValueError as refused:
        status, problems = editors.refusal(refused)
        # What somebody else saved meanwhile is shown as it is now, and nothing typed lies over it.
        kept = typed if status == HTTPStatus.UNPROCESSABLE_ENTITY else {}
        return _page(request, key, status=status, problems=problems, typed=kept, frameworks=chosen if kept else None)
    anchor = f"#stage-{arguments[0]}" if arguments and act != "remove" else ""
    return redirect(reverse("journeys:pipeline_edit", args=[key]) + anchor)


def _frameworks(request: WorkspaceRequest) -> list[str]:
    return [editors.storable(one, longest=LONGEST) for one in request.POST.getlist("frameworks")]


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def pipeline_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes the draft live, with the reason; or puts it away."""
    typed = editors.typed_fields(request, longest=LONGEST)
    version = draft_of(editors.storable(key, longest=LONGEST))
    if version is None:
        raise Http404
    problem = editors.publish_or_discard(request, version, typed)
    if problem:
        return _page(request, key, status=422, problems={"reason": problem}, typed=typed)
    # Without its draft a new pipeline has no page of its own.
    return redirect("journeys:stages") if typed.get("act") == "discard" else redirect("journeys:pipeline_edit", key)


def _page(
    request: WorkspaceRequest,
    key: str,
    *,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    frameworks: Sequence[str] | None = None,
) -> HttpResponse:
    page = editor_page(editors.storable(key, longest=LONGEST), request.tenant.today(clock.now()))
    if page is None:
        raise Http404
    allowed = may(request.membership.role, Permission.CONFIGURE_PROCESSES)
    context = {
        "page": page,
        "problems": problems or {},
        "typed": typed or {},
        "chosen_frameworks": page.spec.frameworks if frameworks is None else frameworks,
        "kinds": StageKind.choices,
        "forecasts": ForecastCategory.choices,
        "may_edit": allowed,
        "editable": allowed and not page.in_review,
        "needs_approval": request.tenant.needs_approval,
    }
    return render(request, "journeys/stages/pipeline.html", context, status=status)
