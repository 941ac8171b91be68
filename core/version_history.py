"""What was live before: the versions of a process, read backwards."""

from django.db.models import QuerySet

from core.choices import VersionState
from core.models import ProcessVersion


def live_version(kind: str, key: str) -> ProcessVersion | None:
    """The one that counts now."""
    return ProcessVersion.objects.filter(kind=kind, key=key, state=VersionState.PUBLISHED).first()


def version_before(kind: str, key: str) -> ProcessVersion | None:
    """The version that a rollback brings back: the last one that was live and said something else, or had another name.

    After a rollback it is what stood before the version that was restored: rolling back again and again walks further
    back rather than to and fro.
    """
    live = live_version(kind, key)
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
    return ProcessVersion.objects.filter(
        kind=version.kind,
        key=version.key,
        number=version.based_on,
        content_hash=version.content_hash,
        name=version.name,
    ).first()
