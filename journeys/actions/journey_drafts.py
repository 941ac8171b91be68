"""Work on a draft of a journey: begin, change. Accounts and contacts are touched by publishing alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core import versioning
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.shapes import BadFields
from core.tenancy import require_tenant_id
from journeys.queries.journey_editor import draft_of, live_of
from journeys.queries.journey_words import publish_check
from journeys.queries.stages import JOURNEY_KIND
from journeys.rules.journey_editing import acted, edited


@transaction.atomic
def begin_draft(*, key: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The journey's draft: the one there is, else a copy of what is live. Raises `BadFields` for an unknown key."""
    there = draft_of(key)
    if there is not None:
        return there
    live = live_of(key)
    if live is None:
        raise BadFields({"": f"There is no journey '{key}'."})
    return versioning.draft(
        kind=JOURNEY_KIND, key=key, name=live.name, definition=dict(live.definition), actor=actor, now=now
    )


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
    """The draft with the fields changed and the button's act done, saved at once.

    Raises `BadFields`, `ValueError` where the document would no longer be a journey, and
    `core.versioning.DraftMoved` when somebody saved in between. The draft is untouched then.
    """
    there = draft_of(key)
    version = there or begin_draft(key=key, actor=actor, now=now)
    currency = Tenant.objects.values_list("currency", flat=True).get(pk=require_tenant_id())
    definition = acted(edited(version.definition, fields), act, arguments, fields, currency=currency)
    publish_check(definition)
    name = fields.get("name", version.name).strip()[:120] or version.name
    return versioning.save_draft(
        version=version,
        definition=definition,
        name=name,
        actor=actor,
        now=now,
        seen_hash=seen_hash if there is not None else "",
    )
