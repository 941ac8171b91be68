"""The draft that people work on in an editor: begun from what is there, found again, put away.

What stands in it is the business of the app that registered its kind.
"""

from collections.abc import Callable, Collection
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import transaction

from core import registry, reviews, versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import ProcessVersion
from core.queries import published_version
from core.shapes import BadFields
from core.version_history import live_among, open_draft, versions_of


class DraftThere(ValueError):
    """A draft of somebody would be lost."""


def current(kind: str, key: str) -> ProcessVersion:
    """The draft of a process. Raises `BadFields` when there is none."""
    version = open_draft(versions_of(kind, key))
    if version is None:
        raise BadFields({"": "There is no draft any more. Begin one from the live version."})
    return version


@transaction.atomic
def begin(
    *,
    kind: str,
    key: str,
    actor: Actor,
    now: datetime,
    number: int | None = None,
    over: str = "",
    prepared: Callable[[dict[str, Any]], dict[str, Any]] = deepcopy,
) -> ProcessVersion:
    """The draft there is, else a copy of the live version. With `number` the draft is begun again from that version.

    What is copied is `prepared` for its editor first. Raises `BadFields` where the key is unknown, and `DraftThere`
    when a draft would have to go for it: one in review never does, another only if `over` is its content hash.
    """
    versioning.take_turns()
    versions = versions_of(kind, key)
    if not versions:
        raise _unknown(kind, key)
    there = open_draft(versions)
    if there is not None and number is None:
        return there
    named = next((one for one in versions if one.number == number), None) if number else live_among(versions)
    source = named or versions[0]
    if there is not None:
        _refuse_to_lose(there, over)
        versioning.discard(version=there, actor=actor, now=now, reason=f"Begun again from version {source.number}.")
    return versioning.draft(
        kind=kind,
        key=key,
        name=source.name,
        definition=prepared(source.definition),
        actor=actor,
        now=now,
        based_on=source.number,
    )


@transaction.atomic
def copy_of_live(*, kind: str, key: str, actor: Actor, now: datetime, without: Collection[str] = ()) -> ProcessVersion:
    """A new draft of what is live, less the named parts. Raises `BadFields` where nothing is."""
    live = published_version(kind, key)
    if live is None:
        raise _unknown(kind, key)
    definition = {name: value for name, value in live.definition.items() if name not in without}
    return versioning.draft(kind=kind, key=key, name=live.name, definition=definition, actor=actor, now=now)


@transaction.atomic
def rewrite(
    *,
    version: ProcessVersion,
    definition: dict[str, Any],
    name: str,
    actor: Actor,
    now: datetime,
    seen_hash: str = "",
    take_back: bool = False,
) -> ProcessVersion:
    """The draft with new content. Raises what `core.versioning.save_draft` raises.

    A draft in review is taken back first where `take_back` says so; else `InReview` refuses, and nothing changes.
    """
    versioning.take_turns()
    version.refresh_from_db()
    if take_back and version.state == VersionState.IN_REVIEW:
        reviews.take_back(version=version, actor=actor, now=now)
    return versioning.save_draft(
        version=version, definition=definition, name=name, actor=actor, now=now, seen_hash=seen_hash
    )


@transaction.atomic
def discard(*, kind: str, key: str, actor: Actor, now: datetime) -> ProcessVersion:
    """Puts the draft away; the live version was never touched by it. Raises `BadFields` when there is none."""
    return versioning.discard(version=current(kind, key), actor=actor, now=now)


def _refuse_to_lose(there: ProcessVersion, over: str) -> None:
    """Nobody's work goes without somebody having looked at it and said so."""
    whose = f"Draft v{there.number} by {there.created_by}"
    if there.state == VersionState.IN_REVIEW:
        raise DraftThere(f"{whose} is in review. Take it back, or have it sent back, before another one is begun.")
    if not over:
        raise DraftThere(f"{whose} is there. Look at it, and say that it may be put away, or discard it first.")
    if over != there.content_hash:
        raise DraftThere(f"{whose} was changed since you looked. It stays as it is; look again.")


def _unknown(kind: str, key: str) -> BadFields:
    return BadFields({"": f"There is no {registry.process_kind(kind).label.lower()} '{key}'."})
