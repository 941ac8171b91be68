"""Hand-offs and teams of a journey as the editor shows them: every field with what was typed and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from core.choices import Role
from journeys.models import Handoff
from journeys.rules.handoffs import HandoffSpec
from journeys.rules.journeys import JourneySpec
from journeys.rules.teams import ROLES, known_teams, roles_of

NOBODY = "No role belongs to this team. Name a usual one, or say below who it is."


@dataclass(frozen=True)
class Typed:
    """A field: its value, or what was typed where it was refused, and what is wrong with it."""

    name: str
    value: str
    problem: str = ""


@dataclass(frozen=True)
class ItemRow:
    """An item of a checklist."""

    key: str
    field: Typed


@dataclass(frozen=True)
class HandoffRow:
    """A hand-off. `waiting`: how many of it are under way, which keep what they were opened with."""

    spec: HandoffSpec
    base: str
    name: Typed
    from_stage: Typed
    to_stage: Typed
    from_team: Typed
    to_team: Typed
    hours: Typed
    items: Sequence[ItemRow]
    new_item: Typed
    on_won: bool
    needs_expectation: bool
    waiting: int
    gaps: Sequence[str]


@dataclass(frozen=True)
class RoleChoice:
    """A role, to be ticked."""

    key: str
    label: str
    is_on: bool


@dataclass(frozen=True)
class TeamRow:
    """A team that the journey explains; `at` is its number from 0."""

    at: int
    base: str
    name: Typed
    was: str
    roles: Sequence[RoleChoice]
    problem: str = ""


@dataclass(frozen=True)
class TeamsForm:
    """Hand-offs and teams, each with a blank one to add. `names` can be written; the `usual` ones need no roles."""

    handoffs: Sequence[HandoffRow]
    new: Mapping[str, Typed]
    teams: Sequence[TeamRow]
    new_team: TeamRow
    names: Sequence[str]
    usual: Sequence[str]


def teams_form(
    spec: JourneySpec, typed: Mapping[str, str], problems: Mapping[str, str], *, with_handoffs: bool
) -> TeamsForm:
    """The form. One statement for what is under way, where the journey has hand-offs."""
    waiting: dict[str, int] = {}
    if with_handoffs:
        under_way = Handoff.objects.filter(state="waiting").order_by()
        waiting = dict(under_way.values_list("key").annotate(n=Count("pk")))

    def field(name: str, value: object) -> Typed:
        return Typed(name, typed.get(name, str(value)) if problems else str(value), problems.get(name, ""))

    def handoff(one: HandoffSpec) -> HandoffRow:
        base = f"handoffs.{one.key}"
        ticked = problems and f"{base}.shown" in typed
        lost = [team for team in (one.from_team, one.to_team) if not roles_of(team, spec.teams)]
        return HandoffRow(
            spec=one,
            base=base,
            name=field(f"{base}.name", one.name),
            from_stage=field(f"{base}.from_stage", one.from_stage),
            to_stage=field(f"{base}.to_stage", one.to_stage),
            from_team=field(f"{base}.from_team", one.from_team),
            to_team=field(f"{base}.to_team", one.to_team),
            hours=field(f"{base}.accept_within_hours", one.accept_within_hours),
            items=[ItemRow(item.key, field(f"{base}.checklist.{item.key}", item.name)) for item in one.checklist],
            new_item=field(f"{base}.item", ""),
            on_won=f"{base}.on_won" in typed if ticked else one.on_won,
            needs_expectation=f"{base}.needs_expectation" in typed if ticked else one.needs_expectation,
            waiting=waiting.get(one.key, 0),
            gaps=[f"{team}: {NOBODY}" for team in dict.fromkeys(lost)],
        )

    def team(at: int, base: str, name: str, roles: Sequence[str]) -> TeamRow:
        refused = any(one.startswith(base) for one in problems)
        chosen = [role for role in ROLES if f"{base}.role.{role}" in typed] if refused else roles
        choices = [RoleChoice(role, str(Role(role).label), role in chosen) for role in ROLES]
        return TeamRow(at, base, field(f"{base}.name", name), name, choices, problems.get(f"{base}.roles", ""))

    return TeamsForm(
        handoffs=[handoff(one) for one in spec.handoffs] if with_handoffs else [],
        new={name: field(f"handoff.{name}", "") for name in ("name", "from_stage", "to_stage", "from_team", "to_team")},
        teams=[team(at, f"teams.{at}", one.name, one.roles) for at, one in enumerate(spec.teams)],
        new_team=team(-1, "team", "", ()),
        names=known_teams(spec.teams),
        usual=known_teams(spec.teams)[len(spec.teams) :],
    )
