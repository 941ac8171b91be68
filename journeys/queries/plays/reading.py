"""Playbooks as they were published, parsed."""

from collections.abc import Iterable
from typing import Final

from core.models import ProcessVersion, Tenant
from core.queries import published_version, published_versions
from core.tenancy import require_tenant_id
from journeys.rules.calendar import holidays_of
from journeys.rules.play_due import Calendar
from journeys.rules.playbooks import Playbook, parse_playbook

KIND: Final = "playbook"


def playbook_of(version: ProcessVersion) -> Playbook:
    """What a version says."""
    return parse_playbook(version.definition)


def live_playbook(key: str) -> ProcessVersion | None:
    """The live version of a playbook."""
    return published_version(KIND, key)


def live_playbooks() -> list[ProcessVersion]:
    """The live versions of all playbooks, by key."""
    return list(published_versions(KIND))


def playbooks_of(version_ids: Iterable[int]) -> dict[int, tuple[ProcessVersion, Playbook]]:
    """Versions by id, with what each says. One statement."""
    found = ProcessVersion.objects.filter(pk__in=set(version_ids))
    return {version.pk: (version, playbook_of(version)) for version in found}


def calendar_of(playbook: Playbook) -> Calendar:
    """How the playbook counts days in this workspace."""
    tenant = Tenant.objects.get(pk=require_tenant_id())
    return Calendar(playbook.calendar == "business", holidays_of(tenant.holidays))
