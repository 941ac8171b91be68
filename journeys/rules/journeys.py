"""Journeys as documents: stages, checkpoints, loops, words of HubSpot, and the event that proves first value."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.shapes import only
from journeys.rules.criteria import Criterion, parse_criteria, stage_gates
from journeys.rules.default_journeys import CONTACTS_JOURNEY, DEFAULT_JOURNEY
from journeys.rules.handoffs import HandoffSpec, handoffs_of
from journeys.rules.pipelines import squashed
from journeys.rules.teams import TeamSpec, parse_teams, roles_of, unknown_team

__all__ = ["CONTACTS_JOURNEY", "DEFAULT_JOURNEY", "JourneySpec", "LifecycleStageSpec", "parse_journey"]

CLOSE: Final = "close"
FIRST_PAYMENT: Final = "first_payment"
CLOCKS: Final = (CLOSE, FIRST_PAYMENT)
PEERS: Final = "peers"
EXPECTED: Final = "expected"
# Who may get a first stage by its status. Whoever has churned is in no stage.
STATUSES: Final = ("customer", "prospect")
STUCK_AFTER: Final = (PEERS, EXPECTED)
LONGEST_STAY: Final = 3650


@dataclass(frozen=True)
class CheckpointSpec:
    """A moment of every stay in a stage at which somebody looks whether the customer is satisfied."""

    key: str
    name: str
    after_days: int


@dataclass(frozen=True)
class ValueEvent:
    """What proves first value to accounts of the segments; without segments, to all that no earlier event names.

    With a rule the fact itself stops the clock, else a person says what shows it.
    """

    name: str
    segments: tuple[str, ...] = ()
    rule: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class FirstValueSpec:
    """When the clock of first value starts, and what stops it."""

    clock: str = CLOSE
    events: tuple[ValueEvent, ...] = ()

    def event_for(self, segment: str) -> ValueEvent | None:
        """The event that counts for an account of the segment."""
        return next((one for one in self.events if not one.segments or segment in one.segments), None)


@dataclass(frozen=True)
class LifecycleStageSpec:
    """One stage of the journey: who leads there, what success means in the customer's words, and how it is left."""

    key: str
    name: str
    owner_team: str
    success: str
    expected_days: int | None = None
    touchpoints: tuple[str, ...] = ()
    entry: tuple[Criterion, ...] = ()
    exit: tuple[Criterion, ...] = ()
    checkpoints: tuple[CheckpointSpec, ...] = ()
    back_to: tuple[str, ...] = ()
    hubspot: tuple[str, ...] = ()
    # The statuses of accounts that begin here where nothing else is known of them.
    first_for: tuple[str, ...] = ()
    # Whether any role belongs to the team, so that it is more than a word.
    is_team_known: bool = True

    @property
    def gaps(self) -> tuple[str, ...]:
        """What the stage lacks, in words."""
        needed = (
            ("owner team", self.owner_team.strip()),
            ("role in its team", not self.owner_team.strip() or self.is_team_known),
            ("touchpoint", self.touchpoints),
            ("exit criterion", self.exit),
            ("success definition", self.success.strip()),
        )
        return tuple(words for words, value in needed if not value)


@dataclass(frozen=True)
class JourneySpec:
    stages: tuple[LifecycleStageSpec, ...]
    handoffs: tuple[HandoffSpec, ...] = ()
    first_value: FirstValueSpec = field(default_factory=FirstValueSpec)
    hubspot_kept: tuple[str, ...] = ()
    stuck_after: str = PEERS
    teams: tuple[TeamSpec, ...] = ()

    def stage(self, key: str) -> LifecycleStageSpec | None:
        """The stage of that key."""
        return next((stage for stage in self.stages if stage.key == key), None)

    def hubspot_stages(self) -> dict[str, str]:
        """Words of HubSpot, without spaces, signs and case, and the key of the stage that each means; "" for none."""
        kept = {squashed(word): "" for word in self.hubspot_kept}
        return kept | {squashed(word): stage.key for stage in self.stages for word in stage.hubspot}

    def first_stages(self) -> dict[str, str]:
        """By status, the key of the stage in which an account begins of which nothing else is known.

        A journey from before `first_for` means Adoption and Consideration, as far as it has them.
        """
        said = {status: stage.key for stage in self.stages for status in stage.first_for}
        return said or {status: key for status, key in _FORMERLY.items() if self.stage(key) is not None}

    def is_forward(self, from_key: str, to_key: str) -> bool:
        """Whether a move needs no reason: onward, or back along a loop of the stage that is left."""
        keys = [stage.key for stage in self.stages]
        if from_key not in keys or to_key not in keys:
            return True
        left = self.stages[keys.index(from_key)]
        return keys.index(to_key) > keys.index(from_key) or to_key in left.back_to


_FORMERLY: Final = {"customer": "adoption", "prospect": "consideration"}
_TOP: Final = frozenset({"stages", "teams", "handoffs", "first_value", "hubspot_kept", "stuck_after"})
_STAGE: Final = frozenset(
    {
        "key", "name", "owner_team", "success", "expected_days", "touchpoints", "entry", "exit", "checkpoints",
        "back_to", "hubspot", "first_for",
    }
)  # fmt: skip


def parse_journey(definition: Mapping[str, Any]) -> JourneySpec:
    """The document as stages. Raises `ValueError` that names the stage, what is wrong and what would be right."""
    only(definition, "", _TOP)
    raw = definition.get("stages")
    if not isinstance(raw, list) or not raw:
        raise ValueError("stages: give a list with at least one stage.")
    teams = parse_teams(definition.get("teams", []))
    stages = tuple(_stage(f"stages[{place}]", one, teams) for place, one in enumerate(raw))
    _refuse_repeats("stages", [stage.key for stage in stages])
    stage_gates(definition)
    _check_firsts(stages)
    kept = _texts(definition.get("hubspot_kept", []), "hubspot_kept")
    _check_words(stages, kept)
    stuck_after = definition.get("stuck_after", PEERS)
    if stuck_after not in STUCK_AFTER:
        raise ValueError(f"stuck_after: '{stuck_after}' is unknown; one of {', '.join(STUCK_AFTER)}.")
    return JourneySpec(
        stages=stages,
        handoffs=handoffs_of(definition),
        first_value=_first_value(definition.get("first_value", {})),
        hubspot_kept=kept,
        stuck_after=stuck_after,
        teams=teams,
    )


def unknown_teams(spec: JourneySpec) -> list[str]:
    """Teams of hand-offs that no role belongs to, each with what would be right: nobody could answer them."""
    named = [
        (f"handoffs[{place}].{field}", team)
        for place, one in enumerate(spec.handoffs)
        for field, team in (("from_team", one.from_team), ("to_team", one.to_team))
    ]
    return [problem for place, team in named if (problem := unknown_team(place, team, spec.teams))]


def unheld_by_contacts(spec: JourneySpec) -> list[str]:
    """Criteria of the contacts' journey that nothing could ever meet, each with what would be right instead.

    A person at the customer has no evidence and no answers of their own: a rule over the facts of the account holds.
    """
    return [
        f"stages[{place}].{part}[{number}]: '{one.name}' asks for evidence or an answer, which people at the customer "
        "do not have. Give it a rule over the facts of their account, or ask for it in the journey of accounts."
        for place, stage in enumerate(spec.stages)
        for part, criteria in (("entry", stage.entry), ("exit", stage.exit))
        for number, one in enumerate(criteria)
        if one.rule is None
    ]


def _stage(place: str, raw: Any, teams: Sequence[TeamSpec]) -> LifecycleStageSpec:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a block with key and name is needed.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, _STAGE)
    checkpoints = _list(raw.get("checkpoints", []), f"{place}.checkpoints")
    owner_team = _optional(raw, "owner_team", place, 80)
    spec = LifecycleStageSpec(
        key=_text(raw, "key", place, 80),
        name=_text(raw, "name", place, 120),
        owner_team=owner_team,
        success=_optional(raw, "success", place, 2_000),
        expected_days=_days(raw, "expected_days", place),
        touchpoints=_texts(raw.get("touchpoints", []), f"{place}.touchpoints"),
        entry=parse_criteria(raw.get("entry"), f"{place}.entry"),
        exit=parse_criteria(raw.get("exit"), f"{place}.exit"),
        checkpoints=tuple(_checkpoint(f"{place}.checkpoints[{n}]", one) for n, one in enumerate(checkpoints)),
        back_to=_texts(raw.get("back_to", []), f"{place}.back_to"),
        hubspot=_texts(raw.get("hubspot", []), f"{place}.hubspot"),
        first_for=_texts(raw.get("first_for", []), f"{place}.first_for"),
        is_team_known=not owner_team or bool(roles_of(owner_team, teams)),
    )
    _refuse_repeats(f"{place}.checkpoints", [one.key for one in spec.checkpoints])
    return spec


def _checkpoint(place: str, raw: Any) -> CheckpointSpec:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a block with key, name and after_days is needed.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, {"key", "name", "after_days"})
    days = _days(raw, "after_days", place)
    if days is None:
        raise ValueError(f"{place}.after_days: a whole number of days from 1 is needed.")
    return CheckpointSpec(_text(raw, "key", place, 80), _text(raw, "name", place, 200), days)


def _first_value(raw: Any) -> FirstValueSpec:
    place = "first_value"
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a block with clock and events is needed, or leave it out.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, {"clock", "events"})
    clock = raw.get("clock", CLOSE)
    if clock not in CLOCKS:
        raise ValueError(f"{place}.clock: '{clock}' is unknown; one of {', '.join(CLOCKS)}.")
    events = _list(raw.get("events", []), f"{place}.events")
    return FirstValueSpec(clock, tuple(_event(f"{place}.events[{n}]", one) for n, one in enumerate(events)))


def _event(place: str, raw: Any) -> ValueEvent:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a block with name and rule or evidence is needed.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, {"name", "segments", "rule", "evidence"})
    if ("rule" in raw) == ("evidence" in raw) or raw.get("evidence", True) is not True:
        raise ValueError(f"{place}: give either a rule over facts or evidence: true.")
    rule = raw.get("rule")
    if rule is not None:
        parse_criteria([{"key": "event", "name": "event", "rule": rule}], place)
    return ValueEvent(_text(raw, "name", place, 200), _texts(raw.get("segments", []), f"{place}.segments"), rule)


def _check_firsts(stages: Sequence[LifecycleStageSpec]) -> None:
    seen: dict[str, str] = {}
    for place, stage in enumerate(stages):
        for status in stage.first_for:
            if status not in STATUSES:
                raise ValueError(f"stages[{place}].first_for: '{status}' is unknown; one of {', '.join(STATUSES)}.")
            if seen.setdefault(status, stage.key) != stage.key:
                raise ValueError(
                    f"stages[{place}].first_for: '{status}' stands at {seen[status]}, too. Leave it at one stage."
                )


def _check_words(stages: Sequence[LifecycleStageSpec], kept: Collection[str]) -> None:
    seen = {squashed(word): "hubspot_kept" for word in kept}
    for place, stage in enumerate(stages):
        for word in stage.hubspot:
            if seen.setdefault(squashed(word), stage.key) != stage.key:
                raise ValueError(
                    f"stages[{place}].hubspot: '{word}' stands at {seen[squashed(word)]}, too. Leave it at one place."
                )


def _refuse_repeats(place: str, keys: Sequence[str]) -> None:
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise ValueError(f"{place}[{number}].key: the key '{key}' stands twice. Give each one a key of its own.")


def _list(raw: Any, place: str) -> Sequence[Any]:
    if not isinstance(raw, list | tuple):
        raise ValueError(f"{place}: give a list, or leave it out.")  # noqa: TRY004 -- one kind of refusal for a document
    return raw


def _texts(raw: Any, place: str) -> tuple[str, ...]:
    for number, one in enumerate(_list(raw, place)):
        if not isinstance(one, str) or not one.strip():
            raise ValueError(f"{place}[{number}]: a text is needed.")
    return tuple(one.strip() for one in raw)


def _text(raw: Mapping[str, Any], name: str, place: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise ValueError(f"{place}.{name}: a text of at most {longest} characters is needed.")
    return value.strip()


def _optional(raw: Mapping[str, Any], name: str, place: str, longest: int) -> str:
    return _text(raw, name, place, longest) if str(raw.get(name) or "").strip() else ""


def _days(raw: Mapping[str, Any], name: str, place: str) -> int | None:
    days = raw.get(name)
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LONGEST_STAY):
        raise ValueError(f"{place}.{name}: a whole number from 1 to {LONGEST_STAY}, or left out; not {days!r}.")
    return days


def design_gaps(spec: JourneySpec) -> list[tuple[LifecycleStageSpec, tuple[str, ...]]]:
    """The stages whose design is incomplete, with what each lacks."""
    return [(stage, stage.gaps) for stage in spec.stages if stage.gaps]
