"""What the editor of a journey does to its hand-offs and teams: fields typed, and the acts of buttons. Pure.

Fields of a hand-off begin with `handoffs.KEY.`, those of a team with `teams.NUMBER.`, counted from 0.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from core.shapes import BadFields
from journeys.rules.handoffs import DEFAULT_HANDOFFS, LONGEST_WAIT, USUAL_HOURS
from journeys.rules.pipelines import stage_key
from journeys.rules.teams import ROLES

Document = dict[str, Any]
_NEEDED: Final = {
    "name": (120, "Name: a hand-off needs one."),
    "from_team": (80, "Given by: say which team hands over."),
    "to_team": (80, "Taken by: say which team takes over."),
}
_STAGES: Final = {
    "from_stage": "From stage: choose one of the journey.",
    "to_stage": "To stage: choose one of the journey.",
}
_FLAGS: Final = ("needs_expectation", "on_won")
HOURS: Final = f"Answer within: a whole number of hours from 1 to {LONGEST_WAIT:,}."


def edit_handoffs(document: Document, fields: Mapping[str, str], problems: dict[str, str]) -> None:
    """The hand-offs with what was typed. The usual ones stand in the document from their first change on."""
    before = handoffs_in(document)
    after = deepcopy(before)
    for block in after:
        _edit(block, f"handoffs.{block['key']}", _stage_keys(document), fields, problems)
    if after != before:
        document["handoffs"] = after


def handoffs_in(document: Mapping[str, Any]) -> list[Document]:
    """The hand-offs as blocks; the usual ones of its stages where the document does not speak of them."""
    raw = document.get("handoffs")
    if raw is None:
        known = set(_stage_keys(document))
        raw = [one for one in DEFAULT_HANDOFFS if {one["from_stage"], one["to_stage"]} <= known]
    return [deepcopy(dict(one)) for one in raw]


def _edit(
    block: Document, base: str, stages: Sequence[str], fields: Mapping[str, str], problems: dict[str, str]
) -> None:
    said = {name: text.strip() for name, text in _under(base, fields).items()}
    for name, (longest, missing) in _NEEDED.items():
        if said.get(name):
            block[name] = said[name][:longest]
        elif name in said:
            problems[f"{base}.{name}"] = missing
    for name, wrong in _STAGES.items():
        if said.get(name) in stages:
            block[name] = said[name]
        elif name in said:
            problems[f"{base}.{name}"] = wrong
    _edit_terms(block, base, said, problems)
    for item in block.get("checklist", []):
        where = f"checklist.{item['key']}"
        item["name"] = said.get(where, item["name"])[:200]
        if not item["name"]:
            problems[f"{base}.{where}"] = "An item of the checklist needs words. Remove it with its cross."


def _under(base: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of one thing, by the rest of their names."""
    return {name[len(base) + 1 :]: text for name, text in fields.items() if name.startswith(f"{base}.")}


def _edit_terms(block: Document, base: str, said: Mapping[str, str], problems: dict[str, str]) -> None:
    if "accept_within_hours" in said:
        hours = _hours(said["accept_within_hours"])
        if hours is None:
            problems[f"{base}.accept_within_hours"] = HOURS
        elif hours != block.get("accept_within_hours", USUAL_HOURS):
            block["accept_within_hours"] = hours
    for name in _FLAGS if "shown" in said else ():
        _flag(block, name, on=name in said)


def _hours(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LONGEST_WAIT else None


def _flag(block: Document, name: str, *, on: bool) -> None:
    if on != bool(block.get(name, False)):
        block.pop(name, None)
        if on:
            block[name] = True


def add_handoff(document: Document, _key: str, _more: str, fields: Mapping[str, str]) -> None:
    """Another one as `handoff.name`, its stages and its teams say; what is missing is said at its field."""
    blocks = handoffs_in(document)
    block: Document = {}
    problems: dict[str, str] = {}
    asked = {f"handoff.{name}": fields.get(f"handoff.{name}", "") for name in (*_NEEDED, *_STAGES)}
    _edit(block, "handoff", _stage_keys(document), asked, problems)
    if problems:
        raise BadFields(problems)
    document["handoffs"] = [*blocks, {"key": fresh(block["name"], [one["key"] for one in blocks]), **block}]


def drop_handoff(document: Document, key: str, _more: str, _fields: Mapping[str, str]) -> None:
    """The hand-off is gone from the draft; those under way keep what they were opened with."""
    blocks = handoffs_in(document)
    _named(blocks, key)
    document["handoffs"] = [one for one in blocks if one["key"] != key]


def add_item(document: Document, key: str, _more: str, fields: Mapping[str, str]) -> None:
    """Another item of the checklist, as `handoffs.KEY.item` says."""
    blocks = handoffs_in(document)
    block, field = _named(blocks, key), f"handoffs.{key}.item"
    name = fields.get(field, "").strip()[:200]
    if not name:
        raise BadFields({field: "Say what must be there before the next team takes over."})
    items = list(block.get("checklist", []))
    block["checklist"] = [*items, {"key": fresh(name, [one["key"] for one in items]), "name": name}]
    document["handoffs"] = blocks


def drop_item(document: Document, key: str, item: str, _fields: Mapping[str, str]) -> None:
    """Without that item of the checklist."""
    blocks = handoffs_in(document)
    block = _named(blocks, key)
    block["checklist"] = [one for one in block.get("checklist", []) if one["key"] != item]
    document["handoffs"] = blocks


def _named(blocks: Sequence[Document], key: str) -> Document:
    found = next((one for one in blocks if one["key"] == key), None)
    if found is None:
        raise BadFields({"": f"There is no hand-off '{key[:60]}' any more. Load the page again."})
    return found


def edit_teams(document: Document, fields: Mapping[str, str], problems: dict[str, str]) -> None:
    """The teams with what was typed. A new name is written wherever the old one stood: at stages and hand-offs."""
    teams = [dict(one) for one in document.get("teams", [])]
    renamed: dict[str, str] = {}
    for number, team in enumerate(teams):
        base = f"teams.{number}"
        if f"{base}.was" not in fields:
            continue
        if fields[f"{base}.was"] != team["name"]:
            raise BadFields({"": "The teams have changed since you opened the page. Load it again."})
        name = fields.get(f"{base}.name", team["name"]).strip()[:80]
        roles = _roles(base, fields)
        if not name:
            problems[f"{base}.name"] = "Team: give it a name."
        elif _plain(name) in {_plain(one["name"]) for one in teams if one is not team}:
            problems[f"{base}.name"] = f"Team: '{name}' stands twice. Put its roles together."
        elif name != team["name"]:
            renamed[_plain(team["name"])] = team["name"] = name
        if roles:
            team["roles"] = roles if set(roles) != set(team["roles"]) else team["roles"]
        else:
            problems[f"{base}.roles"] = f"Roles of {name or 'the team'}: choose at least one."
    if teams != document.get("teams", []):
        document["teams"] = teams
    if renamed:
        _rename(document, renamed)


def _roles(base: str, fields: Mapping[str, str]) -> list[str]:
    return [role for role in ROLES if f"{base}.role.{role}" in fields]


def _rename(document: Document, renamed: Mapping[str, str]) -> None:
    for stage in document["stages"]:
        if _plain(stage.get("owner_team", "")) in renamed:
            stage["owner_team"] = renamed[_plain(stage["owner_team"])]
    blocks = handoffs_in(document)
    changed = deepcopy(blocks)
    for block in changed:
        for name in ("from_team", "to_team"):
            block[name] = renamed.get(_plain(block[name]), block[name])
    if changed != blocks:
        document["handoffs"] = changed


def add_team(document: Document, _key: str, _more: str, fields: Mapping[str, str]) -> None:
    """`team.name` with its `team.role.ROLE`."""
    name, roles = fields.get("team.name", "").strip()[:80], _roles("team", fields)
    teams = list(document.get("teams", []))
    problems = {}
    if not name:
        problems["team.name"] = "Team: give the new one a name."
    elif _plain(name) in {_plain(one["name"]) for one in teams}:
        problems["team.name"] = f"Team: '{name}' stands twice. Put its roles together."
    if not roles:
        problems["team.roles"] = "Roles of the new team: choose at least one."
    if problems:
        raise BadFields(problems)
    document["teams"] = [*teams, {"name": name, "roles": roles}]


def drop_team(document: Document, number: str, _more: str, _fields: Mapping[str, str]) -> None:
    """Without that team; a usual name goes back to its usual roles."""
    teams = list(document.get("teams", []))
    if number.isdecimal() and len(number) < 4 and int(number) < len(teams):
        del teams[int(number)]
        document.pop("teams")
        if teams:
            document["teams"] = teams


def fresh(name: str, taken: Sequence[str]) -> str:
    """A key of the name that is not taken."""
    base = stage_key(name)[:60]
    return next(key for key in (base, *(f"{base}_{n}" for n in range(2, 1000))) if key not in taken)


def _stage_keys(document: Mapping[str, Any]) -> list[str]:
    return [str(stage["key"]) for stage in document["stages"]]


def _plain(name: str) -> str:
    return name.strip().lower()
