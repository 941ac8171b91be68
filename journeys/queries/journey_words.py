"""Journeys in words, and what publishing another one meets."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef

from core import differences
from core.choices import Role
from core.differences import Line
from core.documents.words import sentence
from core.facts import conditions
from core.models import ProcessVersion
from journeys.models import ContactStageVisit, Handoff, LifecycleStage, StageVisit
from journeys.queries.criterion_words import asked_words
from journeys.queries.stages import CONTACTS, JOURNEY_KIND, STANDARD
from journeys.rules.criteria import Criterion
from journeys.rules.journeys import (
    CLOSE,
    PEERS,
    STATUSES,
    JourneySpec,
    LifecycleStageSpec,
    parse_journey,
    unknown_teams,
)

FIELDS: Final = (
    "teams", "roles", "stages", "key", "name", "owner_team", "success", "expected_days", "touchpoints", "entry", "exit",
    "checkpoints", "after_days", "back_to", "hubspot", "first_for", "hubspot_kept", "stuck_after", "handoffs",
    "first_value", "clock", "events", "segments", "rule", "answer", "framework", "evidence", "help",
)  # fmt: skip


def describe_journey(definition: dict[str, Any]) -> list[Line]:
    """Line by line, stage after stage, then hand-offs and first value."""
    spec = parse_journey(definition)
    lines = [Line(f"teams.{one.name}", f"roles of team {one.name}", _roles(one.roles)) for one in spec.teams]
    for place, stage in enumerate(spec.stages, start=1):
        lines += _stage_lines(stage, place, {one.key: one.name for one in spec.stages})
    for one in spec.handoffs:
        path, part = f"handoffs.{one.key}", f"hand-off {one.name}"
        ways = f"{one.from_team} to {one.to_team}"
        stages = " to ".join(_stage_name(spec, key) for key in (one.from_stage, one.to_stage))
        hours, asks = f"{one.accept_within_hours} hours", differences.said(one.needs_expectation)
        said = [
            ("name", f"name of hand-off {one.key}", one.name, "name"),
            ("stages", f"stages of {part}", stages, "stages"),
            ("teams", f"teams of {part}", ways, "teams"),
            *((f"checklist.{item.key}", f"checklist of {part}: item", item.name, "item") for item in one.checklist),
            ("expectation", f"{part} asks for the expectation", asks, "expectation asked for"),
            ("accept_within_hours", f"time to answer of {part}", hours, "time to answer"),
            ("on_won", f"{part} opens with a won deal", differences.said(one.on_won), "opens with a won deal"),
        ]
        lines += [Line(f"{path}.{field}", label, value, part, short, path) for field, label, value, short in said]
    return [*lines, *_value_lines(spec)]


def _roles(roles: Iterable[str]) -> str:
    return ", ".join(str(Role(role).label) for role in roles)


def _stage_lines(stage: LifecycleStageSpec, place: int, names: Mapping[str, str]) -> Iterator[Line]:
    path, part = f"stages.{stage.key}", f"stage {stage.name}"
    said = [
        ("name", f"name of stage {stage.key}", stage.name, "name"),
        ("place", f"place of {part}", str(place), "place"),
        ("owner_team", f"team of {part}", stage.owner_team or "nobody", "team"),
        ("success", f"success in {part}", stage.success or "not said", "success"),
        ("expected_days", f"expected time in {part}", _days(stage.expected_days), "expected time"),
        ("touchpoints", f"touchpoints of {part}", ", ".join(stage.touchpoints) or "none", "touchpoints"),
        ("back_to", f"loops of {part}", ", ".join(names.get(key, key) for key in stage.back_to) or "none", "loops"),
        ("hubspot", f"words of HubSpot for {part}", ", ".join(stage.hubspot) or "none", "words of HubSpot"),
        ("first_for", f"who begins in {part}", ", ".join(stage.first_for) or "nobody by status", "who begins here"),
    ]
    for field, label, value, short in said:
        yield Line(f"{path}.{field}", label, value, part, short, path)
    for word, criteria in (("entry", stage.entry), ("exit", stage.exit)):
        for one in criteria:
            yield from _criterion_lines(path, stage.name, word, one)
    for point in stage.checkpoints:
        label, here = f"checkpoint {point.name} in {stage.name}", f"{path}.checkpoints.{point.key}"
        yield Line(here, label, f"after {_days(point.after_days)}")
        yield Line(f"{here}.name", f"name of checkpoint {point.key} in {stage.name}", point.name, quiet=True)


def _criterion_lines(path: str, stage: str, word: str, one: Criterion) -> Iterator[Line]:
    here, label = f"{path}.{word}.{one.key}", f"{word} criterion {one.name} of {stage}"
    yield Line(here, label, asked_words(one))
    yield Line(f"{here}.name", f"name of {word} criterion {one.key} of {stage}", one.name, quiet=True)
    if one.help:
        yield Line(f"{here}.help", f"help of {label}", one.help)


def _stage_name(spec: JourneySpec, key: str) -> str:
    stage = spec.stage(key)
    return stage.name if stage is not None else key


def _value_lines(spec: JourneySpec) -> Iterator[Line]:
    clock = "the close" if spec.first_value.clock == CLOSE else "the first payment"
    yield Line("first_value.clock", "clock of first value starts at", clock)
    for place, event in enumerate(spec.first_value.events, start=1):
        whom = ", ".join(event.segments) or "all other segments"
        how = sentence(event.rule) if event.rule is not None else "evidence from a person"
        path = f"first_value.events.{place}"
        yield Line(path, f"first value of {whom}", f"{event.name} ({how})")
        yield Line(f"{path}.segments", f"first value {place}, {event.name}, is for", whom, quiet=True)
    yield Line("hubspot_kept", "words of HubSpot kept without a stage", ", ".join(spec.hubspot_kept) or "none")
    after = "90 % of peers took" if spec.stuck_after == PEERS else "the expected time"
    yield Line("stuck_after", "stuck means longer than", after)


def _days(days: int | None) -> str:
    return "not said" if days is None else "1 day" if days == 1 else f"{days:,} days"


def publish_check(definition: dict[str, Any]) -> None:
    """Raises `ValueError` for what a draft may hold and a live journey may not: rules over facts that nobody knows,
    and hand-offs of teams that no role belongs to.
    """
    check_facts(definition)
    if unknown := unknown_teams(parse_journey(definition)):
        raise ValueError(" ".join(unknown))


def check_facts(definition: dict[str, Any]) -> None:
    """Raises `ValueError` for rules over facts that nobody knows."""
    spec = parse_journey(definition)
    for place, stage in enumerate(spec.stages):
        for word, criteria in (("entry", stage.entry), ("exit", stage.exit)):
            for number, one in enumerate(criteria):
                if one.rule is not None:
                    conditions(dict(one.rule), f"stages[{place}].{word}[{number}].rule")
    for number, event in enumerate(spec.first_value.events):
        if event.rule is not None:
            conditions(dict(event.rule), f"first_value.events[{number}].rule")


def journey_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """How many stand in each stage that changes, and what stands against it."""
    spec = parse_journey(definition)
    before = _live_stages(key)
    whom = "contacts" if key == CONTACTS else "accounts"
    lines = []
    for stage, standing in _counted(key):
        now, then = before.get(stage.key), spec.stage(stage.key)
        if then is None or now != then:
            does = "goes" if then is None else "changes"
            lines.append(f"Stage {stage.name} {does}: {_stand(standing, whom)} in it.")
    teams = [
        f"Stage {stage.name}: no role belongs to its team '{stage.owner_team}'. Say who it is under `teams`."
        for stage in spec.stages
        if not stage.is_team_known
    ]
    handoffs = _handoff_effects(spec) if key != CONTACTS else []
    firsts = _no_first(spec) if key == STANDARD else []
    return [*lines, *handoffs, *teams, *firsts, *journey_obstacles(key, {stage.key for stage in spec.stages})]


def _no_first(spec: JourneySpec) -> list[str]:
    """The statuses by which nobody begins: what comes without a word of a stage stands in none."""
    firsts = spec.first_stages()
    return [
        f"No stage has `first_for: [{status}]`: a {status} that stands in no stage gets none by its status."
        for status in STATUSES
        if status not in firsts
    ]


def _handoff_effects(spec: JourneySpec) -> list[str]:
    """Hand-offs that change or go while some of them are under way. Two statements."""
    then = {one.key: one for one in spec.handoffs}
    live = ProcessVersion.objects.filter(kind=JOURNEY_KIND, key=STANDARD, state="published").first()
    try:
        now = parse_journey(live.definition).handoffs if live is not None else ()
    except ValueError:  # from before its language changed
        return []
    waiting = dict(Handoff.objects.filter(state="waiting").order_by().values_list("key").annotate(n=Count("pk")))
    return [
        f"Hand-off {one.name} {'changes' if one.key in then else 'goes'}: {waiting[one.key]:,} under way "
        f"{'keeps' if waiting[one.key] == 1 else 'keep'} what was asked when it was opened."
        for one in now
        if waiting.get(one.key) and then.get(one.key) != one
    ]


def _stand(count: int, whom: str) -> str:
    return f"1 {whom[:-1]} stands" if count == 1 else f"{count:,} {whom} stand"


def _live_stages(key: str) -> dict[str, LifecycleStageSpec]:
    live = ProcessVersion.objects.filter(kind=JOURNEY_KIND, key=key, state="published").first()
    try:
        return {stage.key: stage for stage in parse_journey(live.definition).stages} if live is not None else {}
    except ValueError:  # from before its language changed
        return {}


def _counted(key: str) -> list[tuple[LifecycleStage, int]]:
    """The stages with who stands in each."""
    model = ContactStageVisit if key == CONTACTS else StageVisit
    here = model._default_manager.filter(stage__journey=key, left_on=None).order_by()
    counts = dict(here.values_list("stage_id").annotate(n=Count("pk")))
    stages = LifecycleStage.objects.filter(journey=key).order_by("position")
    return [(stage, counts.get(stage.pk, 0)) for stage in stages]


def journey_obstacles(key: str, kept: set[str]) -> list[str]:
    """Stages that would go although somebody is or was in them."""
    model, whom = (ContactStageVisit, "contacts") if key == CONTACTS else (StageVisit, "accounts")
    visits = Exists(model._default_manager.filter(stage_id=OuterRef("pk")))
    gone = LifecycleStage.objects.filter(journey=key).exclude(key__in=kept).filter(visits).order_by("position")
    return [
        f"stages: '{stage.key}' is missing, but {whom} are or were in it. Move them first, or keep the stage."
        for stage in gone
    ]
