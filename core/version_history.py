"""The versions of a process: the one that people work on, and what was live before, read backwards."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from core import registry
from core.choices import VersionState
from core.models import ProcessVersion
from core.queries import published_version


def versions_of(kind: str, key: str) -> list[ProcessVersion]:
    """Every version of a process, the newest first."""
    return list(ProcessVersion.objects.filter(kind=kind, key=key).order_by("-number"))


def live_among(versions: Iterable[ProcessVersion]) -> ProcessVersion | None:
    """The live one among the versions of a process."""
    return next((one for one in versions if one.state == VersionState.PUBLISHED), None)


def open_draft(versions: Sequence[ProcessVersion]) -> ProcessVersion | None:
    """The newest draft; one that the live version was drafted from is done with, as is any before it.

    It takes all versions of a process, the newest first.
    """
    live = live_among(versions)
    origin = live.based_on or 0 if live else 0
    return next((one for one in versions if one.is_draft and one.number > origin), None)


def in_review(versions: Sequence[ProcessVersion]) -> ProcessVersion | None:
    """The version that a second person is asked to look at, the newest where there are several.

    It is the open draft, or lies under one that a file or a calibration brought meanwhile. It takes all versions of a
    process, the newest first.
    """
    return next((one for one in versions if one.state == VersionState.IN_REVIEW), None)


def version_before(kind: str, key: str) -> ProcessVersion | None:
    """The version that a rollback brings back: the last one that was live and said something else, or had another name.

    After a rollback it is what stood before the version that was restored: rolling back again and again walks further
    back rather than to and fro.
    """
    live = published_version(kind, key)
    if live is None:
        return None
    origin = live
    while (earlier_one := restored(origin)) is not None:
        origin = earlier_one
    earlier = once_live(kind, key).filter(number__lt=origin.number)
    return earlier.exclude(content_hash=live.content_hash, name=live.name).order_by("-number").first()


def once_live(kind: str, key: str) -> QuerySet[ProcessVersion]:
    """The versions that were live and are not any more."""
    return ProcessVersion.objects.filter(kind=kind, key=key, state=VersionState.RETIRED, published_at__isnull=False)


def restored(version: ProcessVersion) -> ProcessVersion | None:
    """The version whose content this one brought back, if it did. Numbers fall along such a chain, so it ends."""
    if version.based_on is None or version.based_on >= version.number:
        return None
    origin = ProcessVersion.objects.filter(
        kind=version.kind, key=version.key, number=version.based_on, name=version.name
    ).first()
    return origin if origin is not None and _lasting(origin) == _lasting(version) else None


def _lasting(version: ProcessVersion) -> dict[str, Any]:
    """Its content, without what says only how to get there."""
    once = registry.process_kind(version.kind).once
    return {name: value for name, value in version.definition.items() if name not in once}
