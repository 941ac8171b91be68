"""A process version as a document: what its kind tells, who answers for it, and how it came to be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from core import registry, versioning
from core.choices import VersionState
from core.documents.blocks import Block, Heading, Paragraph, table
from core.documents.words import humanised
from core.formatting import day
from core.models import ProcessOwner, ProcessVersion, Tenant
from core.processes.owners import owner_of
from core.queries import published_version


@dataclass(frozen=True)
class Written:
    """A document ready for any renderer. `facts` stand under the title; `foot` says where it comes from."""

    title: str
    kicker: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    foot: str
    slug: str


def blocks_of(version: ProcessVersion) -> list[Block]:
    """What the version says, without anything around it. The same content gives the same blocks."""
    kind = registry.process_kind(version.kind)
    if kind.document is None:
        return list(_plain(version))
    try:
        note: list[Block] = [Paragraph(kind.note, strong=True)] if kind.note else []
        return [*note, *kind.document(version.definition)]
    except ValueError:  # from before the kind's language changed
        return list(_plain(version))


def is_documented(version: ProcessVersion) -> bool:
    """Whether its kind tells it for people who do the work, rather than as a list of fields."""
    return registry.process_kind(version.kind).document is not None and bool(blocks_of(version))


def _plain(version: ProcessVersion) -> Iterator[Block]:
    said = versioning.described(version.kind, version.name, version.definition)
    lines = [line for line in said if not line.quiet]
    head = [line for line in lines if not line.part]
    yield table(("What", "Says"), [(humanised(line.label), line.value) for line in head])
    for part in dict.fromkeys(line.belongs_to for line in lines if line.part):
        inside = [line for line in lines if line.part and line.belongs_to == part]
        yield Heading(humanised(inside[0].part))
        yield table(("What", "Says"), [(humanised(line.short or line.label), line.value) for line in inside])


def process_document(version: ProcessVersion, tenant: Tenant) -> Written:
    """The whole document of a version: the same bytes for the same version, owner and deputy, on any day."""
    kind, owner = registry.process_kind(version.kind), owner_of(version.kind, version.key)
    return Written(
        title=version.name,
        kicker=kind.label,
        facts=(*_answering(owner), ("Version", _version(version, tenant))),
        blocks=(*blocks_of(version), *_change_log(version, tenant)),
        foot=f"{tenant.name} · {kind.label} {version.key} v{version.number} · {version.content_hash[:12]}",
        slug=f"{version.kind}-{version.key}",
    )


def _answering(owner: ProcessOwner | None) -> tuple[tuple[str, str], ...]:
    if owner is None:
        return (("Owner", "nobody yet"), ("Deputy", "nobody yet"))
    return (("Owner", str(owner.owner.user)), ("Deputy", str(owner.deputy.user) if owner.deputy else "nobody yet"))


def _version(version: ProcessVersion, tenant: Tenant) -> str:
    if version.published_at is None:
        return f"v{version.number}, {'draft' if version.is_draft else 'never live'}"
    return f"v{version.number}, live from {day(version.published_at.astimezone(tenant.zone).date())}"


def _change_log(version: ProcessVersion, tenant: Tenant) -> Iterator[Block]:
    """The versions that were live up to this one, the newest first."""
    past = ProcessVersion.objects.filter(kind=version.kind, key=version.key, number__lte=version.number)
    rows = [
        (
            f"v{one.number}",
            day(one.published_at.astimezone(tenant.zone).date()),
            one.published_by,
            one.approved_by or "–",
            one.reason or "not said",
        )
        for one in past.exclude(published_at=None).order_by("-number")
        if one.published_at is not None
    ]
    yield Heading("Change log")
    if rows:
        yield table(("Version", "Live from", "By", "Approved by", "Why"), rows, "Versions that were live")
    else:
        yield Paragraph("No version was live yet.")


def portfolio_document(one: registry.PortfolioDocument, tenant: Tenant, today: date, *, sees_money: bool) -> Written:
    """A document about the workspace as it stands on the day."""
    version = published_version(*one.process) if one.process else None
    facts = [("As of", day(today))]
    if version is not None:
        facts = [*_answering(owner_of(version.kind, version.key)), ("Version", _version(version, tenant)), *facts]
    return Written(
        title=one.title,
        kicker=one.purpose,
        facts=tuple(facts),
        blocks=tuple(one.build(tenant, today, sees_money)),
        foot=f"{tenant.name} · {one.title} · as of {today.isoformat()}",
        slug=one.key,
    )


def live_versions(kinds: Sequence[str]) -> list[ProcessVersion]:
    """Every live process of these kinds, kinds in the order given, then by name."""
    found = ProcessVersion.objects.filter(kind__in=kinds, state=VersionState.PUBLISHED)
    return sorted(found, key=lambda one: (kinds.index(one.kind), one.name.casefold(), one.key))


def appended(version: ProcessVersion, title: str = "") -> list[Block]:
    """A live process as a chapter of a larger document: its headings one level down."""
    inside = [Heading(one.text, 3) if isinstance(one, Heading) else one for one in blocks_of(version)]
    return [Heading(title or version.name), *inside]


__all__ = [
    "Written",
    "appended",
    "blocks_of",
    "is_documented",
    "live_versions",
    "portfolio_document",
    "process_document",
]
