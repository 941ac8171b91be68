"""Doors of the editor of a journey: its stages as a form, the draft, and what makes it live."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock, editors
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from journeys.actions import journey_drafts
from journeys.queries.journey_editor import draft_of, journey_page

LONGEST = 2_000


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def journey_edit(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The stages of a journey with teams, success, criteria and checkpoints; for those who may, as a form."""
    return _page(request, key)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def journey_save(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Saves what was changed into the draft. What is wrong comes back at its field, with the draft as it was."""
    typed = editors.typed_fields(request, longest=LONGEST, keeps="\n")
    act, *arguments = typed.get("act", "").split(":")
    try:
        journey_drafts.edit_draft(
            key=editors.storable(key, longest=LONGEST),
            fields=typed,
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
        return _page(request, key, status=status, problems=problems, typed=kept)
    return redirect(reverse("journeys:journey_edit", args=[key]) + _anchor(act, arguments))


def _anchor(act: str, arguments: Sequence[str]) -> str:
    """Where the page is looked at after a button's act: where it was pressed."""
    if act in {"handoff", "unhand"}:
        return "#handoffs"
    if act in {"team", "unteam"}:
        return "#teams"
    if not arguments or act in {"remove", "unevent"}:
        return ""
    return f"#handoff-{arguments[0]}" if act in {"item", "unitem"} else f"#stage-{arguments[0]}"


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def journey_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes the draft live, with the reason; or puts it away."""
    typed = editors.typed_fields(request, longest=LONGEST, keeps="\n")
    version = draft_of(editors.storable(key, longest=LONGEST))
    if version is None:
        raise Http404
    problem = editors.publish_or_discard(request, version, typed)
    if problem:
        return _page(request, key, status=422, problems={"reason": problem}, typed=typed)
    return redirect("journeys:journey_edit", key)


def _page(
    request: WorkspaceRequest,
    key: str,
    *,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    today = request.tenant.today(clock.now())
    page = journey_page(editors.storable(key, longest=LONGEST), today, typed=typed, problems=problems)
    if page is None:
        raise Http404
    allowed = may(request.membership.role, Permission.CONFIGURE_PROCESSES)
    context = {
        "page": page,
        "problems": problems or {},
        "typed": typed or {},
        "may_edit": allowed,
        "editable": allowed and not page.in_review,
        "needs_approval": request.tenant.needs_approval,
        "new_handoff_open": any(name.startswith("handoff.") for name in problems or {}),
        "new_team_open": any(name.startswith("team.") for name in problems or {}),
    }
    return render(request, "journeys/stages/journey.html", context, status=status)
