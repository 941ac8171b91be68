"""What the doors of editors share: fields as they were typed, refusals, and how a draft ends."""

from collections.abc import Mapping
from typing import Final

from django.contrib import messages

from core import clock, drafts, versioning
from core.actors import Actor
from core.http import WorkspaceRequest
from core.models import ProcessVersion
from core.shapes import BadFields

LONGEST_NAME: Final = 200


def typed_fields(request: WorkspaceRequest, *, longest: int, keeps: str = "") -> dict[str, str]:
    """The fields as text that can be stored."""
    return {
        name[:LONGEST_NAME]: storable(text, longest=longest, keeps=keeps)
        for name, text in request.POST.items()
        if isinstance(text, str)
    }


def storable(text: str, *, longest: int, keeps: str = "") -> str:
    """The text without anything unprintable but the signs that it `keeps`, and not endless."""
    return "".join(sign for sign in text[:longest] if sign.isprintable() or sign in keeps)


def refusal(error: ValueError) -> tuple[int, dict[str, str]]:
    """The status that a refused change is answered with, and what is wrong by field."""
    if isinstance(error, BadFields):
        return 422, error.problems
    meanwhile = isinstance(error, (versioning.DraftMoved, versioning.InReview))
    return 409 if meanwhile else 422, {"": str(error)}


def discard(request: WorkspaceRequest, *, kind: str, key: str) -> None:
    """Puts the draft away and says so, or why not."""
    try:
        version = drafts.discard(kind=kind, key=key, actor=Actor.person(request.membership), now=clock.now())
    except ValueError as bad:
        messages.error(request, str(bad))
    else:
        _say_discarded(request, version)


def publish_or_discard(request: WorkspaceRequest, version: ProcessVersion, typed: Mapping[str, str]) -> str:
    """Makes the draft live with the reason typed, or puts it away, and says so. What stands against it, else ""."""
    actor, now, reason = Actor.person(request.membership), clock.now(), typed.get("reason", "").strip()
    try:
        if typed.get("act") == "discard":
            _say_discarded(request, versioning.discard(version=version, actor=actor, now=now))
            return ""
        if not reason:
            return "Say why. It is kept with the version."
        live = versioning.publish(version=version, actor=actor, now=now, reason=reason, seen_hash=typed.get("seen", ""))
    except ValueError as refused:
        return str(refused)
    messages.success(request, f"Version {live.number} is live.")
    return ""


def _say_discarded(request: WorkspaceRequest, version: ProcessVersion) -> None:
    messages.success(request, f"Draft v{version.number} is discarded. It is kept among the versions.")
