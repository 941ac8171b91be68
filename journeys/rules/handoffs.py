"""Hand-offs of a journey: which team gives whom a customer, what must be known by then, and how soon it is answered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from core.shapes import only
from journeys.rules.calendar import next_business_day
from journeys.rules.teams import TeamSpec, is_of, parse_teams, roles_of

# Within how many hours an answer is due where the journey does not say.
USUAL_HOURS: Final = 48
LONGEST_WAIT: Final = 24 * 60


@dataclass(frozen=True)
class ChecklistItem:
    """Something that must be there before the next team takes over."""

    key: str
    name: str


@dataclass(frozen=True)
class HandoffSpec:
    """One hand-off as the journey has it. `on_won`: a won opportunity opens it, else the move between its stages.

    `from_roles` and `to_roles` are who belongs to its teams; none where the journey names a team that nobody knows.
    """

    key: str
    name: str
    from_stage: str
    to_stage: str
    from_team: str
    to_team: str
    checklist: tuple[ChecklistItem, ...] = ()
    needs_expectation: bool = False
    accept_within_hours: int = USUAL_HOURS
    on_won: bool = False
    from_roles: frozenset[str] = frozenset()
    to_roles: frozenset[str] = frozenset()

    def is_given_by(self, role: str) -> bool:
        """Whether people of the role belong to the team that hands over."""
        return is_of(role, self.from_roles)

    def is_taken_by(self, role: str) -> bool:
        """Whether people of the role belong to the team that takes over."""
        return is_of(role, self.to_roles)


# What a journey has that says nothing of hand-offs: of these, the ones whose stages it knows.
DEFAULT_HANDOFFS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "key": "marketing_to_sales",
        "name": "Marketing to Sales",
        "from_stage": "awareness",
        "to_stage": "consideration",
        "from_team": "Marketing",
        "to_team": "Sales",
        "checklist": [
            {"key": "need", "name": "The need in one sentence"},
            {"key": "contact", "name": "A contact who wants to talk"},
        ],
        "accept_within_hours": 24,
    },
    {
        "key": "sales_to_cs",
        "name": "Sales to CS",
        "from_stage": "decision",
        "to_stage": "onboarding",
        "from_team": "Sales",
        "to_team": "Customer success",
        "checklist": [
            {"key": "scope", "name": "What was sold, and what was not"},
            {"key": "people", "name": "Sponsor, decision maker and daily contact named"},
            {"key": "promises", "name": "Promises and dates that we made"},
            {"key": "kick_off", "name": "Kick-off agreed with the customer"},
        ],
        "needs_expectation": True,
        "accept_within_hours": 48,
        "on_won": True,
    },
    {
        "key": "onboarding_to_csm",
        "name": "Onboarding to CSM",
        "from_stage": "onboarding",
        "to_stage": "adoption",
        "from_team": "Onboarding",
        "to_team": "Customer success",
        "checklist": [
            {"key": "value", "name": "First result seen by the customer"},
            {"key": "open_points", "name": "Open points written down"},
        ],
        "accept_within_hours": 48,
    },
)
_FIELDS: Final = frozenset(
    {
        "key", "name", "from_stage", "to_stage", "from_team", "to_team", "checklist", "needs_expectation",
        "accept_within_hours", "on_won",
    }
)  # fmt: skip


def handoffs_of(definition: Mapping[str, Any]) -> tuple[HandoffSpec, ...]:
    """The hand-offs of a journey's document; the usual ones where it does not speak of them. Raises `ValueError`."""
    stages = [str(stage.get("key")) for stage in definition.get("stages", []) if isinstance(stage, Mapping)]
    teams = parse_teams(definition.get("teams", []))
    raw = definition.get("handoffs")
    if raw is None:
        known = [one for one in DEFAULT_HANDOFFS if {one["from_stage"], one["to_stage"]} <= set(stages)]
        return parse_handoffs(known, stages, teams)
    return parse_handoffs(raw, stages, teams)


def parse_handoffs(
    raw: Any, stages: Collection[str], teams: Sequence[TeamSpec] = (), place: str = "handoffs"
) -> tuple[HandoffSpec, ...]:
    """Raises `ValueError` that starts with the field and names what would be right."""
    if not _is_list(raw):
        raise ValueError(f"{place}: give a list, or leave it out.")
    found: list[HandoffSpec] = []
    for number, one in enumerate(raw):
        spec = _handoff(one, stages, teams, f"{place}[{number}]")
        if spec.key in {earlier.key for earlier in found}:
            raise ValueError(f"{place}[{number}].key: '{spec.key}' stands twice. Give each hand-off a key of its own.")
        found.append(spec)
    return tuple(found)


def _handoff(raw: Any, stages: Collection[str], teams: Sequence[TeamSpec], place: str) -> HandoffSpec:
    if not _is_block(raw):
        raise ValueError(f"{place}: a block with key, name, from_stage, to_stage and teams is needed.")
    only(raw, place, _FIELDS)
    key, name = _text(raw, "key", place, 80), _text(raw, "name", place, 120)
    for field in ("from_stage", "to_stage"):
        if raw.get(field) not in stages:
            raise ValueError(f"{place}.{field}: '{raw.get(field)}' is no stage; one of {', '.join(stages)}.")
    hours = raw.get("accept_within_hours", USUAL_HOURS)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST_WAIT:
        raise ValueError(f"{place}.accept_within_hours: a whole number from 1 to {LONGEST_WAIT}, not {hours!r}.")
    for field in ("needs_expectation", "on_won"):
        if raw.get(field, False) not in (True, False):
            raise ValueError(f"{place}.{field}: true or false, not {raw[field]!r}.")
    from_team, to_team = _text(raw, "from_team", place, 80), _text(raw, "to_team", place, 80)
    return HandoffSpec(
        key=key,
        name=name,
        from_stage=raw["from_stage"],
        to_stage=raw["to_stage"],
        from_team=from_team,
        to_team=to_team,
        checklist=_checklist(raw.get("checklist", []), f"{place}.checklist"),
        needs_expectation=raw.get("needs_expectation", False),
        accept_within_hours=hours,
        on_won=raw.get("on_won", False),
        from_roles=roles_of(from_team, teams),
        to_roles=roles_of(to_team, teams),
    )


def _checklist(raw: Any, place: str) -> tuple[ChecklistItem, ...]:
    if not _is_list(raw):
        raise ValueError(f"{place}: give a list of items with key and name.")
    items: list[ChecklistItem] = []
    for number, one in enumerate(raw):
        here = f"{place}[{number}]"
        if not _is_block(one):
            raise ValueError(f"{here}: a block with key and name is needed.")
        only(one, here, {"key", "name"})
        item = ChecklistItem(_text(one, "key", here, 80), _text(one, "name", here, 200))
        if item.key in {earlier.key for earlier in items}:
            raise ValueError(f"{here}.key: '{item.key}' stands twice. Give each item a key of its own.")
        items.append(item)
    return tuple(items)


def _is_list(raw: Any) -> bool:
    return isinstance(raw, Sequence) and not isinstance(raw, str)


def _is_block(raw: Any) -> bool:
    return isinstance(raw, Mapping)


def _text(raw: Mapping[str, Any], field: str, place: str, longest: int) -> str:
    value = raw.get(field)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise ValueError(f"{place}.{field}: a text of at most {longest} characters is needed.")
    return value.strip()


def handoff_document(spec: HandoffSpec) -> dict[str, Any]:
    """The hand-off as it stands in a document."""
    return {
        "key": spec.key,
        "name": spec.name,
        "from_stage": spec.from_stage,
        "to_stage": spec.to_stage,
        "from_team": spec.from_team,
        "to_team": spec.to_team,
        "checklist": [{"key": item.key, "name": item.name} for item in spec.checklist],
        "needs_expectation": spec.needs_expectation,
        "accept_within_hours": spec.accept_within_hours,
        "on_won": spec.on_won,
    }


def blank_checklist(spec: HandoffSpec) -> list[dict[str, Any]]:
    """The checklist of a new hand-off: nothing is ticked."""
    return [{"key": item.key, "name": item.name, "done_at": None, "done_by": ""} for item in spec.checklist]


def open_items(checklist: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of what is not ticked."""
    return tuple(str(item["name"]) for item in checklist if not item.get("done_at"))


def due_at(hours: int, opened_at: datetime, *, zone: tzinfo, holidays: Collection[date] = ()) -> datetime:
    """When an answer is due: so many hours later, around the clock, but weekends and holidays in the zone do not count.

    What would be due at the very end of a business day is due when the next one begins.
    """
    moment, left = opened_at.astimezone(UTC), timedelta(hours=hours)
    day = opened_at.astimezone(zone).date()
    if (first := next_business_day(day, holidays)) != day:
        day, moment = first, _start(first, zone)
    while moment + left >= (end := _start(day + timedelta(days=1), zone)):
        left -= end - moment
        day = next_business_day(day + timedelta(days=1), holidays)
        moment = _start(day, zone)
    return moment + left


def _start(day: date, zone: tzinfo) -> datetime:
    """The midnight in the zone, in UTC: a day may have 23 hours or 25."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
