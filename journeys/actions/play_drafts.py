"""Work on a draft of a playbook: a new one, changes, making it live. No running play is touched by a draft."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction

from core import drafts, versioning
from core.actors import Actor
from core.models import ProcessVersion
from core.queries import published_version
from core.shapes import BadFields
from journeys.actions.plays import AT_ONCE, ask_move_plays, move_plays
from journeys.queries.play_conditions import vocabulary
from journeys.queries.play_impact import movable_runs, others_running
from journeys.queries.plays.language import parse_known
from journeys.queries.plays.reading import KIND
from journeys.rules.play_editing import acted, edited, steps_of
from journeys.rules.play_library import LIBRARY, STARTER

RESERVED: Final = frozenset({"why", "ramp", "new"})
LEAVE, MOVE, CHOOSE = "leave", "move", "choose"
_START: Final = re.compile(r"starts\[(\d+)\]\.rule(.*)")
_BRANCH: Final = re.compile(r"\.(?:all|any)\[(\d+)\]")
_PLACES: Final = {"goal": "step_goal", "owner": "owner", "title": "title", "done_when": "done_when", "panel": "panel"}


@transaction.atomic
def edit_draft(
    *,
    key: str,
    variant: str,
    fields: Mapping[str, str],
    act: str,
    arguments: Sequence[str],
    seen_hash: str,
    currency: str,
    actor: Actor,
    now: datetime,
) -> ProcessVersion:
    """The draft with the fields changed and the button's act done, saved at once. Amounts are typed in the currency.

    Raises `BadFields`, with the draft untouched, `core.versioning.DraftMoved` when somebody saved in between, and
    `core.versioning.InReview` while somebody looks at it.
    """
    version = drafts.current(KIND, key)
    if seen_hash and seen_hash != version.content_hash:
        raise versioning.DraftMoved("Somebody else saved this draft since you opened it. Your change was not saved.")
    known = vocabulary(currency)
    changed = edited(version.definition, fields, variant=variant, known=known)
    changed = acted(changed, act, arguments, variant=variant, fields=fields, known=known)
    name = fields.get("name", version.name).strip()[:120]
    if not name:
        raise BadFields({"name": "Give the playbook a name that people recognise."})
    try:
        parse_known(changed)
    except ValueError as error:
        raise BadFields(_placed(changed, variant, str(error))) from error
    return versioning.save_draft(
        version=version, definition=changed, name=name, actor=actor, now=now, seen_hash=seen_hash
    )


@transaction.atomic
def new_playbook(*, key: str, name: str, like: str, actor: Actor, now: datetime) -> ProcessVersion:
    """The first draft of a playbook: a copy of what is live under `like`, of a starter, or one step to begin with."""
    if key in RESERVED or ProcessVersion.objects.filter(kind=KIND, key=key).exists():
        raise BadFields({"key": f"The key '{key}' is taken. Choose another one."})
    definition: dict[str, Any] = {
        "goal": "",
        "steps": [{"key": "step_1", "title": "First step", "owner": "account_owner", "due": {"days": 7}}],
    }
    if like.startswith(STARTER):
        definition = _starter(like.removeprefix(STARTER))
    elif like:
        source = published_version(KIND, like)
        if source is None:
            raise BadFields({"like": "This playbook is not live any more. Choose another one."})
        definition = deepcopy(source.definition)
    return versioning.draft(kind=KIND, key=key, name=name, definition=definition, actor=actor, now=now)


def _starter(key: str) -> dict[str, Any]:
    """What a starter says as it is delivered, whatever the workspace made of its own."""
    found = next((document for name, _, document in LIBRARY if name == key), None)
    if found is None:
        raise BadFields({"like": "There is no such starter. Choose another one."})
    return deepcopy(dict(found))


@dataclass(frozen=True)
class Published:
    """The version that is live now, and how many running plays went over to it; `later`: those that a job looks at."""

    version: ProcessVersion
    moved: int
    later: int = 0


@transaction.atomic
def publish_draft(
    *,
    key: str,
    reason: str,
    seen_hash: str,
    running: str,
    run_ids: Sequence[int],
    actor: Actor,
    today: date,
    now: datetime,
) -> Published:
    """Makes the draft live. Running plays stay on their version (`leave`), or those go over that have not reached the
    first step that differs (`move`), or the named ones (`choose`): many of them by a job that begins with the commit.
    Raises what `core.versioning.publish` raises.
    """
    version = drafts.current(KIND, key)
    going: Sequence[int] = ()
    asked = others_running(version) if running == MOVE else len(run_ids) if running == CHOOSE else 0
    if asked > AT_ONCE:
        version = versioning.publish(version=version, actor=actor, now=now, reason=reason, seen_hash=seen_hash)
        named = None if running == MOVE else run_ids
        ask_move_plays(version=version, run_ids=named, actor=actor, today=today, now=now, reason=reason)
        return Published(version, 0, later=asked)
    if running == MOVE:
        going = movable_runs(version, today=today)
    elif running == CHOOSE:
        going = run_ids
    version = versioning.publish(version=version, actor=actor, now=now, reason=reason, seen_hash=seen_hash)
    if not going:
        return Published(version, 0)
    moved = move_plays(version=version, run_ids=going, actor=actor, today=today, now=now, reason=reason)
    return Published(version, moved.moved)


def _placed(definition: Mapping[str, Any], variant: str, message: str) -> dict[str, str]:
    """The message of the language at the field that it is about, where there is one on the page."""
    place, _, rest = message.partition(": ")
    prefix = "steps["
    if "variants" in definition:
        at = next((n for n, one in enumerate(definition["variants"]) if one.get("key") == variant), 0)
        prefix = f"variants[{at}].steps["
        steps = definition["variants"][at].get("steps", [])
    else:
        steps = definition.get("steps", [])
    if place.startswith(prefix):
        number, _, inside = place.removeprefix(prefix).partition("]")
        if number.isdigit() and int(number) < len(steps):
            key, what = steps[int(number)].get("key"), inside.strip(".").split("[")[0]
            if what.startswith("due"):
                return {f"{'days' if what.endswith('days') else 'from'}:{key}": rest}
            if what.startswith("only_if"):
                return {_condition_field(f"only_if.{key}", inside): rest}
            return {f"{_PLACES.get(what, what)}:{key}": rest}
    if place in {"outcome.name", "outcome.within_days"}:
        return {{"outcome.name": "outcome_name"}.get(place, "within_days"): rest}
    if start := _START.fullmatch(place):
        return {_condition_field(f"start.{start[1]}", start[2]): rest}
    if place.startswith(("audience", "requires", "outcome.rule")):
        return {_condition_field(place.split(".")[0], place): rest}
    if place in {"goal", "category", "anchor", "calendar", "review_after_runs"}:
        return {place: rest}
    return {"": message}


def _condition_field(place: str, path: str) -> str:
    """The field of the condition that a path such as `audience.all[2]` leads to; of nested ones the outermost."""
    branch = _BRANCH.search(path)
    return f"cond:{place}:{branch[1] if branch else 0}:value"


__all__ = [
    "CHOOSE",
    "LEAVE",
    "MOVE",
    "Published",
    "edit_draft",
    "new_playbook",
    "publish_draft",
    "steps_of",
]
