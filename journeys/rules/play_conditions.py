"""The trees of a playbook as its editor changes them: audience, requirements, outcome, starts, branches. Pure.

Places: `audience`, `requires`, `outcome`, `start.NUMBER` counted from 0, and `only_if.KEY` of a step.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.shapes import BadFields
from journeys.rules import condition_rows as rows
from journeys.rules.condition_rows import Tree, Vocabulary
from journeys.rules.play_fields import MOST_DAYS, whole

Document = dict[str, Any]
ACTS: Final = ("cond-add", "cond-drop", "outcome-drop")
OUTCOME_DAYS: Final = 30
_GONE: Final = "This condition is not in the draft any more. Load the page again."


def places(fields: Mapping[str, str]) -> list[str]:
    """The places that fields of conditions name, each once."""
    return list(dict.fromkeys(name.split(":")[1] for name in fields if name.startswith("cond:") and ":" in name[5:]))


def tree_at(document: Document, steps: Sequence[Document], place: str) -> Tree | None:
    """The tree that stands at a place; None where nothing is asked."""
    holder, name = _holder(document, steps, place)
    found: Tree | None = holder.get(name)
    return found


def edit(document: Document, steps: Sequence[Document], fields: Mapping[str, str], known: Vocabulary) -> None:
    """Changes the trees in place as the fields say. Raises `BadFields` with the faults of all of them."""
    problems: dict[str, str] = {}
    for place in places(fields):
        try:
            before = tree_at(document, steps, place)
            after = rows.edited(before, place, fields, known)
            if after != before:
                _put(document, steps, place, after)
        except BadFields as bad:
            problems |= bad.problems
    if problems:
        raise BadFields(problems)


def act(
    document: Document,
    steps: Sequence[Document],
    verb: str,
    arguments: Sequence[str],
    fields: Mapping[str, str],
    known: Vocabulary,
) -> None:
    """Changes the document in place: a condition added or dropped, or the whole outcome dropped."""
    if verb == "outcome-drop":
        document.pop("outcome", None)
        return
    place = arguments[0] if arguments else ""
    tree = tree_at(document, steps, place)
    if verb == "cond-drop":
        number = arguments[1] if len(arguments) > 1 else ""
        if not (number.isascii() and number.isdecimal() and int(number[:4]) < len(rows.rows_of(tree))):
            raise BadFields({"": _GONE})
        _put(document, steps, place, rows.without(tree, int(number[:4])))
    elif place == "outcome" and "outcome" not in document:
        document["outcome"] = _outcome(fields, known)
    else:
        _put(document, steps, place, rows.with_one_more(tree, place, fields, known))


def _outcome(fields: Mapping[str, str], known: Vocabulary) -> Document:
    """A new outcome is whole at once: its name, its first condition, its days."""
    problems: dict[str, str] = {}
    made: Document = {"name": fields.get("outcome_name", "").strip()[:200]}
    if not made["name"]:
        problems["outcome_name"] = "Name the outcome as people would say it."
    try:
        made["rule"] = rows.with_one_more(None, "outcome", fields, known)
    except BadFields as bad:
        problems |= bad.problems
    try:
        made["within_days"] = whole(fields.get("within_days", ""), 1, MOST_DAYS)
    except ValueError as bad:
        problems["within_days"] = str(bad)
    if problems:
        raise BadFields(problems)
    return made


def _holder(document: Document, steps: Sequence[Document], place: str) -> tuple[Document, str]:
    if place in {"audience", "requires"}:
        return document, place
    if place == "outcome":
        return document.get("outcome", {}), "rule"
    name, _, key = place.partition(".")
    starts = document.get("starts", [])
    if name == "start" and key.isascii() and key.isdecimal() and int(key[:4]) < len(starts):
        return starts[int(key[:4])], "rule"
    step = next((one for one in steps if one.get("key") == key), None)
    if name != "only_if" or step is None:
        raise BadFields({"": _GONE})
    return step, name


def _put(document: Document, steps: Sequence[Document], place: str, tree: Tree | None) -> None:
    holder, name = _holder(document, steps, place)
    if tree is not None:
        holder[name] = tree
    elif place == "outcome":
        raise BadFields({"cond:outcome:new_fact": "An outcome needs a condition. Add another one first."})
    elif holder.get("on") == "signal":
        raise BadFields({f"cond:{place}:new_fact": "A signal needs a condition. Add another one first."})
    else:
        holder.pop(name, None)
