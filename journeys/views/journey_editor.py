"""Doors of the editor of a journey: its stages as a form, the draft, and what makes it live."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock, versioning
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from core.shapes import BadFields
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
    typed = _typed(request)
    act, *arguments = typed.get("act", "").split(":")
    try:
        journey_drafts.edit_draft(
            key=_plain(key),
            fields=typed,
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
    except ValueError as refused:  # the document would no longer be a journey
        return _page(request, key, status=422, problems={"": str(refused)}, typed=typed)
    anchor = f"#stage-{arguments[0]}" if arguments and act not in {"remove", "unevent"} else ""
    return redirect(reverse("journeys:journey_edit", args=[key]) + anchor)


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def journey_publish(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Makes the draft live, with the reason; or puts it away."""
    typed = _typed(request)
    version = draft_of(_plain(key))
    if version is None:
        raise Http404
    actor, now = Actor.person(request.membership), clock.now()
    try:
        if typed.get("act") == "discard":
            versioning.discard(version=version, actor=actor, now=now)
            messages.success(request, f"Draft v{version.number} is discarded. It is kept among the versions.")
            return redirect("journeys:journey_edit", key)
        reason = typed.get("reason", "").strip()
        if not reason:
            problems = {"reason": "Say why. It is kept with the version."}
            return _page(request, key, status=422, problems=problems, typed=typed)
        live = versioning.publish(version=version, actor=actor, now=now, reason=reason, seen_hash=typed.get("seen", ""))
    except ValueError as refused:
        return _page(request, key, status=422, problems={"reason": str(refused)}, typed=typed)
    messages.success(request, f"Version {live.number} is live.")
    return redirect("journeys:journey_edit", key)


def _page(
    request: WorkspaceRequest,
    key: str,
    *,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    page = journey_page(_plain(key), request.tenant.today(clock.now()))
    if page is None:
        raise Http404
    context = {
        "page": page,
        "problems": problems or {},
        "typed": typed or {},
        "may_edit": may(request.membership.role, Permission.CONFIGURE_PROCESSES),
        "needs_approval": request.tenant.needs_approval,
    }
    return render(request, "journeys/stages/journey.html", context, status=status)


def _typed(request: WorkspaceRequest) -> dict[str, str]:
    return {name[:LONGEST]: _plain(value) for name, value in request.POST.items() if isinstance(value, str)}


def _plain(text: str) -> str:
    """Text that can be stored: nothing unprintable but line ends, nothing endless."""
    return "".join(sign for sign in text[:LONGEST] if sign.isprintable() or sign == "\n")
