"""Work on a draft of a pipeline: another one, and changes. Deals are touched by publishing alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core import drafts, versioning
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.tenancy import require_tenant_id
from journeys.actions.pipelines import PIPELINE_KIND
from journeys.queries.pipeline_editor import draft_of
from journeys.rules.pipeline_editing import acted, edited
from journeys.rules.pipelines import DEFAULT_PIPELINE, stage_key


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
    """The draft with the fields changed and the button's act done, saved at once; the first change begins one.

    Raises `BadFields`, `ValueError` where the document would no longer be a pipeline, and
    `core.versioning.DraftMoved` when somebody saved in between; `core.versioning.InReview` while somebody looks at the
    draft. The draft is untouched then.
    """
    versioning.take_turns()  # two people who make the first change at once begin one draft
    there = draft_of(key)
    # What was reassigned before is done; a new draft begins without it.
    version = there or drafts.copy_of_live(kind=PIPELINE_KIND, key=key, actor=actor, now=now, without={"reassign"})
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
