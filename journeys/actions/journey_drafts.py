"""Work on a draft of a journey: begun with the first change. Accounts and contacts are touched by publishing alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core import drafts, versioning
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from journeys.queries.journey_editor import draft_of
from journeys.queries.journey_words import check_facts
from journeys.queries.stages import JOURNEY_KIND
from journeys.rules.journey_editing import acted, edited


@transaction.atomic
def edit_draft(
    *,
    key: str,
    fields: Mapping[str, str],
    act: str,
    arguments: Sequence[str],
    seen_hash: str,
    actor: Actor,
    now: datetime,
) -> ProcessVersion:
    """The draft with the fields changed and the button's act done, saved at once; the first change begins one.

    Raises `BadFields`, `ValueError` where the document would no longer be a journey, and
    `core.versioning.DraftMoved` when somebody saved in between; `core.versioning.InReview` while somebody looks at the
    draft. The draft is untouched then.
    """
    versioning.take_turns()  # two people who make the first change at once begin one draft
    there = draft_of(key)
    version = there or drafts.copy_of_live(kind=JOURNEY_KIND, key=key, actor=actor, now=now)
    currency = Tenant.objects.values_list("currency", flat=True).get(pk=require_tenant_id())
    definition = acted(edited(version.definition, fields), act, arguments, fields, currency=currency)
    check_facts(definition)
    name = fields.get("name", version.name).strip()[:120] or version.name
    return versioning.save_draft(
        version=version,
        definition=definition,
        name=name,
        actor=actor,
        now=now,
        seen_hash=seen_hash if there is not None else "",
    )
