"""Doors around a process: its review, who answers for it, and whether this workspace asks for approval."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from core import clock, reviews
from core.actors import Actor
from core.http import WorkspaceRequest
from core.models import ProcessVersion
from core.permissions import Permission, requires
from core.processes.forms import ApprovalForm, OwnerForm, ReviewForm
from core.processes.owners import set_owner
from core.processes.queries import plain, version_of
from core.processes.views import own_address

_SAID = {
    "ask": "{} is in review.",
    "take_back": "{} is a draft again.",
    "send_back": "{} went back to its author, with your note.",
    "approve": "{} is approved. It can go live.",
}


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def process_review(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """One step of a review: ask, take back, send back or approve."""
    form = ReviewForm(request.POST)
    version = version_of(kind, plain(key), request.POST.get("number", "").strip() or "0")
    if version is None or not form.is_valid():
        raise Http404
    try:
        _step(version, form.cleaned_data, Actor.person(request.membership))
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _SAID[form.cleaned_data["act"]].format(version))
    to_editor = own_address(kind, version.key) if form.cleaned_data["to_editor"] else ""
    return redirect(to_editor) if to_editor else redirect("core:process", kind, version.key)


def _step(version: ProcessVersion, said: dict[str, Any], actor: Actor) -> None:
    now, text, seen = clock.now(), said["text"], said["seen"]
    steps: dict[str, Callable[[], object]] = {
        "ask": lambda: reviews.ask_for_review(version=version, actor=actor, now=now, reason=text),
        "take_back": lambda: reviews.take_back(version=version, actor=actor, now=now),
        "send_back": lambda: reviews.send_back(version=version, actor=actor, now=now, note=text),
        "approve": lambda: reviews.approve(version=version, actor=actor, now=now, seen_hash=seen),
    }
    steps[said["act"]]()


@requires(Permission.CONFIGURE_PROCESSES)
@require_POST
def process_owner(request: WorkspaceRequest, kind: str, key: str) -> HttpResponse:
    """Names who answers for a process, and who does while they are away."""
    form = OwnerForm(request.POST)
    if version_of(kind, plain(key), "") is None and not _has_versions(kind, key):
        raise Http404
    if not form.is_valid():
        messages.error(request, "Choose an owner, and a deputy who is somebody else.")
        return redirect("core:process", kind, plain(key))
    try:
        set_owner(
            kind=kind,
            key=plain(key),
            owner_id=form.cleaned_data["owner"].pk,
            deputy_id=form.cleaned_data["deputy"].pk if form.cleaned_data["deputy"] else None,
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Owner and deputy are saved.")
    return redirect("core:process", kind, plain(key))


def _has_versions(kind: str, key: str) -> bool:
    return version_of(kind, plain(key), "1") is not None


@requires(Permission.MANAGE_MEMBERS)
@require_POST
def approval_setting(request: WorkspaceRequest) -> HttpResponse:
    """Turns the second person's approval on or off."""
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        raise Http404
    needed, actor = form.cleaned_data["needed"], Actor.person(request.membership)
    try:
        reviews.need_approval(needed=needed, actor=actor, now=clock.now(), reason=form.cleaned_data["reason"])
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            "From now on a second person approves each process before it goes live." if needed
            else "Processes go live without a second person's approval.",
        )  # fmt: skip
    return redirect("core:members")
