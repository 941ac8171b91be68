"""Work on a draft of a pipeline: begin, change, discard, publish. Deals are touched by publishing alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core import versioning
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.shapes import BadFields
from core.tenancy import require_tenant_id
from journeys.actions.pipelines import PIPELINE_KIND
from journeys.queries.pipeline_editor import draft_of, live_of
from journeys.rules.pipeline_editing import acted, edited
from journeys.rules.pipelines import DEFAULT_PIPELINE, stage_key


@transaction.atomic
def begin_draft(*, key: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The pipeline's draft: the one there is, else a copy of what is live. Raises `BadFields` for an unknown key."""
    there = draft_of(key)
    if there is not None:
        return there
    live = live_of(key)
    if live is None:
        raise BadFields({"": f"There is no pipeline '{key}'."})
    # What was reassigned before is done; a new draft begins without it.
    definition = {name: value for name, value in live.definition.items() if name != "reassign"}
    return versioning.draft(kind=PIPELINE_KIND, key=key, name=live.name, definition=definition, actor=actor, now=now)


@transaction.atomic
def new_pipeline(*, name: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The first draft of another pipeline, with the five default stages. Deals can use it once it is published."""
    base = stage_key(name.strip())
    taken = set(ProcessVersion.objects.filter(kind=PIPELINE_KIND).values_list("key", flat=True))
    key = next(key for key in (base, *(f"{base}_{n}" for n in range(2, 1000))) if key not in taken)
    return versioning.draft(
        kind=PIPELINE_KIND, key=key, name=name.strip()[:120], definition=dict(DEFAULT_PIPELINE), actor=actor, now=now
    )


@transaction.atomic
def edit_draft(
    *,
    key: str,
    fields: Mapping[str, str],
    frameworks: Sequence[str] | None,
    act: str,
    arguments: Sequence[str],
    seen_hash: str,
    actor: Actor,
    now: datetime,
) -> ProcessVersion:
    """The draft with the fields changed and the button's act done, saved at once.

    Raises `BadFields`, `ValueError` where the document would no longer be a pipeline, and
    `core.versioning.DraftMoved` when somebody saved in between. The draft is untouched then.
    """
    there = draft_of(key)
    version = there or begin_draft(key=key, actor=actor, now=now)
    currency = Tenant.objects.values_list("currency", flat=True).get(pk=require_tenant_id())
    definition = acted(edited(version.definition, fields, frameworks), act, arguments, fields, currency=currency)
    name = fields.get("name", version.name).strip()[:120] or version.name
    return versioning.save_draft(
        version=version,
        definition=definition,
        name=name,
        actor=actor,
        now=now,
        seen_hash=seen_hash if there is not None else "",
    )
