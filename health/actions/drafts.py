"""Work on a draft of a score model: begin, change, discard. Nothing here touches a score."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.choices import Segment
from core import drafts, versioning
from core.actors import Actor
from core.models import ProcessVersion
from core.shapes import BadFields
from health.queries.live import KIND
from health.queries.measures import new_input
from health.rules import parse_model
from health.rules.editing import edited, normalised, weights_sum
from health.rules.presets import PRESETS
from health.rules.reshaping import acted, with_input

RESERVED = frozenset({"new"})


@transaction.atomic
def begin_draft(*, key: str, actor: Actor, now: datetime, number: int | None = None, over: str = "") -> ProcessVersion:
    """The model's draft: the one there is, else a copy of the live version, or of version `number`.

    Weights start on a sum of 100, so that they read as percent; what they mean does not change.
    """
    return drafts.begin(kind=KIND, key=key, actor=actor, now=now, number=number, over=over, prepared=_on_hundred)


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

    Raises `BadFields`, with the draft untouched, `core.versioning.DraftMoved` when somebody saved in between, and
    `core.versioning.InReview` while somebody looks at it.
    """
    version = drafts.current(KIND, key)
    definition = acted(edited(version.definition, fields), act, arguments)
    return _saved(version, definition, seen_hash, actor, now)


@transaction.atomic
def add_input(*, key: str, measure: str, seen_hash: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The draft with one more input over the measure. It has no weight yet, so no score moves."""
    version = drafts.current(KIND, key)
    block = new_input(measure)
    if block is None:
        raise BadFields({"measure": f"Nothing is known as '{measure[:60]}'. Import it as a signal first."})
    return _saved(version, with_input(version.definition, block), seen_hash, actor, now)


@transaction.atomic
def new_model(*, name: str, key: str, segment: str, preset: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The first draft of a model, begun from a preset, for one segment or for all customers."""
    if key in RESERVED or ProcessVersion.objects.filter(kind=KIND, key=key).exists():
        raise BadFields({"key": f"The key '{key}' is taken. Choose another one."})
    if segment != "all" and segment not in Segment.values:
        raise BadFields({"segment": "There is no such segment."})
    _, document = PRESETS[preset]
    definition = {**deepcopy(document), "key": key, "name": name, "applies_to": segment}
    return versioning.draft(kind=KIND, key=key, name=name, definition=definition, actor=actor, now=now)


@transaction.atomic
def publish_draft(*, key: str, reason: str, waiver: str, seen_hash: str, actor: Actor, now: datetime) -> ProcessVersion:
    """Makes the draft live, and with it starts the full run. Raises what `core.versioning.publish` raises.

    Also `DraftMoved` when somebody changed the draft after its figures were shown.
    """
    return versioning.publish(
        version=drafts.current(KIND, key), actor=actor, now=now, reason=reason, waiver=waiver, seen_hash=seen_hash
    )


def _on_hundred(definition: dict[str, Any]) -> dict[str, Any]:
    return definition if abs(weights_sum(definition) - 100) < 0.01 else normalised(definition)


def _saved(
    version: ProcessVersion, definition: dict[str, Any], seen_hash: str, actor: Actor, now: datetime
) -> ProcessVersion:
    try:
        parse_model(definition)
    except ValueError as error:
        raise BadFields(_placed(definition, str(error))) from error
    return versioning.save_draft(
        version=version, definition=definition, name=version.name, actor=actor, now=now, seen_hash=seen_hash
    )


def _placed(definition: dict[str, Any], message: str) -> dict[str, str]:
    """The message of the language at the field that it is about, where there is one on the page."""
    place, _, rest = message.partition(": ")
    if place.startswith("inputs["):
        number, _, inside = place.removeprefix("inputs[").partition("].")
        if number.isdigit() and int(number) < len(definition["inputs"]):
            key, what = definition["inputs"][int(number)]["key"], inside.split(".")[0].split("[")[0]
            name = {"weight": f"weight:{key}", "missing": f"missing:{key}", "aggregate": f"aggregate:{key}:0"}.get(what)
            return {name or f"input:{key}": rest}
    return {"": message}
