"""Work on a draft of a score model: begin, change, discard. Nothing here touches a score."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.choices import Segment
from core import versioning
from core.actors import Actor
from core.choices import VersionState
from core.models import ProcessVersion
from core.shapes import BadFields
from health.queries.editor import draft_of
from health.queries.live import KIND
from health.queries.measures import new_input
from health.rules import parse_model
from health.rules.editing import edited, normalised, weights_sum
from health.rules.presets import PRESETS
from health.rules.reshaping import acted, with_input

RESERVED = frozenset({"new"})


@transaction.atomic
def begin_draft(*, key: str, actor: Actor, now: datetime, number: int | None = None) -> ProcessVersion:
    """The model's draft: the one there is, else a copy of the live version, or of version `number`.

    Weights start on a sum of 100, so that they read as percent; what they mean does not change.
    """
    there = draft_of(key)
    if there is not None and number is None:
        return there
    versions = ProcessVersion.objects.filter(kind=KIND, key=key)
    source = versions.filter(number=number) if number else versions.filter(state=VersionState.PUBLISHED)
    found = source.first() or versions.order_by("-number").first()
    if found is None:
        raise BadFields({"": f"There is no score model '{key}'."})
    if there is not None:
        versioning.discard(version=there, actor=actor, now=now, reason=f"Begun again from version {found.number}.")
    return versioning.draft(
        kind=KIND,
        key=key,
        name=found.name,
        definition=_on_hundred(found.definition),
        actor=actor,
        now=now,
        based_on=found.number,
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

    Raises `BadFields`, with the draft untouched, and `core.versioning.DraftMoved` when somebody saved in between.
    """
    version = _draft(key)
    definition = acted(edited(version.definition, fields), act, arguments)
    return _saved(version, definition, seen_hash, actor, now)


@transaction.atomic
def add_input(*, key: str, measure: str, seen_hash: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The draft with one more input over the measure. It has no weight yet, so no score moves."""
    version = _draft(key)
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
def discard_draft(*, key: str, actor: Actor, now: datetime) -> ProcessVersion:
    """Puts the draft away; the live version was never touched by it."""
    return versioning.discard(version=_draft(key), actor=actor, now=now)


@transaction.atomic
def publish_draft(*, key: str, reason: str, waiver: str, seen_hash: str, actor: Actor, now: datetime) -> ProcessVersion:
    """Makes the draft live, and with it starts the full run. Raises what `core.versioning.publish` raises.

    Also `DraftMoved` when somebody changed the draft after its figures were shown.
    """
    return versioning.publish(
        version=_draft(key), actor=actor, now=now, reason=reason, waiver=waiver, seen_hash=seen_hash
    )


def _draft(key: str) -> ProcessVersion:
    version = draft_of(key)
    if version is None:
        raise BadFields({"": "There is no draft any more. Begin one from the live version."})
    return version


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
