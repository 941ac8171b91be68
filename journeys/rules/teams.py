"""Which roles belong to a team, as a journey names its teams. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import only

# The words of `core.choices.Role`, which this room may not import. Who runs the processes, and leaders, belong to all.
_OF_TEAMS: Final = ("csm", "cs_manager", "cs_director", "sales_rep", "support_agent", "executive_sponsor")
ROLES: Final = (*_OF_TEAMS, "revops_admin", "leader")
_SUCCESS: Final = frozenset({"csm", "cs_manager", "cs_director"})
# What a journey need not explain, as people write it. Marketing has no role of its own: RevOps answers for it.
_USUAL: Final[Mapping[str, frozenset[str]]] = {
    "Marketing": frozenset({"revops_admin"}),
    "Sales": frozenset({"sales_rep"}),
    "Customer success": _SUCCESS,
    "CS": _SUCCESS,
    "CSM": _SUCCESS,
    "Onboarding": _SUCCESS,
    "Support": frozenset({"support_agent"}),
    "Executives": frozenset({"executive_sponsor"}),
    "Leadership": frozenset({"executive_sponsor"}),
}


@dataclass(frozen=True)
class TeamSpec:
    """A team by the name that the journey uses, and who belongs to it."""

    name: str
    roles: tuple[str, ...]


def parse_teams(raw: Any) -> tuple[TeamSpec, ...]:
    """The teams that a journey explains. Raises `ValueError` that starts with the field."""
    if not isinstance(raw, list | tuple):
        raise ValueError("teams: give a list of teams with name and roles, or leave it out.")  # noqa: TRY004 -- one kind of refusal for a document
    found: list[TeamSpec] = []
    for number, one in enumerate(raw):
        place = f"teams[{number}]"
        team = _team(one, place)
        if _plain(team.name) in {_plain(earlier.name) for earlier in found}:
            raise ValueError(f"{place}.name: '{team.name}' stands twice. Put its roles together.")
        found.append(team)
    return tuple(found)


def _team(raw: Any, place: str) -> TeamSpec:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a block with name and roles is needed.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, {"name", "roles"})
    name, roles = raw.get("name"), raw.get("roles")
    if not isinstance(name, str) or not name.strip() or len(name) > 80:
        raise ValueError(f"{place}.name: a text of at most 80 characters is needed.")
    if not isinstance(roles, list | tuple) or not roles:
        raise ValueError(f"{place}.roles: give at least one of {', '.join(ROLES)}.")
    for number, role in enumerate(roles):
        if role not in ROLES:
            raise ValueError(f"{place}.roles[{number}]: '{role}' is no role; one of {', '.join(ROLES)}.")
    return TeamSpec(name.strip(), tuple(dict.fromkeys(roles)))


def roles_of(team: str, teams: Sequence[TeamSpec]) -> frozenset[str]:
    """The roles of the team, in any case of its letters: as the journey says, else the usual; none of an unknown."""
    usual = {_plain(name): roles for name, roles in _USUAL.items()}
    said = {_plain(one.name): frozenset(one.roles) for one in teams}
    return said.get(_plain(team), usual.get(_plain(team), frozenset()))


def known_teams(teams: Sequence[TeamSpec]) -> tuple[str, ...]:
    """The names that can be written."""
    said = {_plain(one.name) for one in teams}
    return (*(one.name for one in teams), *(name for name in _USUAL if _plain(name) not in said))


def is_of(role: str, roles: Collection[str]) -> bool:
    """Whether people of the role belong to a team of these roles. RevOps and leaders look at every team."""
    return role not in _OF_TEAMS or role in roles


def unknown_team(place: str, team: str, teams: Sequence[TeamSpec]) -> str:
    """What is wrong with naming the team there, and what to do; "" when somebody belongs to it."""
    if roles_of(team, teams):
        return ""
    return (
        f"{place}: no role belongs to the team '{team}', so nobody of it could answer. Write one of "
        f"{', '.join(known_teams(teams))}, or say who it is: `teams: [{{name: {team}, roles: [sales_rep]}}]`."
    )


def _plain(name: str) -> str:
    return name.strip().lower()
