"""Changes of a playbook's document, as the editor asks for them. Pure: a document and fields in, a new document out.

Field names say what they change: `title:agree_plan`, `days:agree_plan`. Steps are those of one variant; a playbook
without variants has one, "". What no field asks for stays as it was written.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from core.shapes import BadFields
from journeys.rules import play_conditions as conditions
from journeys.rules.condition_rows import Vocabulary
from journeys.rules.play_fields import MOST_DAYS, whole

Document = dict[str, Any]
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 8000
WHENS: Final = ("after", "before")


def steps_of(document: Document, variant: str) -> list[Document]:
    """The steps of a variant, to be changed in place. Raises `BadFields` when there is no such variant."""
    if "variants" not in document:
        steps: list[Document] = document.setdefault("steps", [])
        return steps
    for one in document["variants"]:
        if one.get("key") == variant:
            inner: list[Document] = one.setdefault("steps", [])
            return inner
    raise BadFields({"": f"There is no variant '{variant}' in this draft any more. Load the page again."})


def variant_keys(document: Document) -> list[str]:
    """The variants in their order; [""] without any."""
    return [str(one.get("key", "")) for one in document["variants"]] if "variants" in document else [""]


def edited(document: Document, fields: Mapping[str, str], *, variant: str, known: Vocabulary) -> Document:
    """The document after the fields that are in it were changed. Raises `BadFields`; other names are passed by."""
    changed = deepcopy(document)
    problems: dict[str, str] = {}
    steps = {str(step.get("key")): step for step in steps_of(changed, variant)}
    for name, text in fields.items():
        what, _, where = name.partition(":")
        try:
            if what in _HEAD and not where:
                _HEAD[what](changed, text)
            elif what == "start":
                _start(changed, where, text)
            elif what in _STEP and where in steps:
                _STEP[what](steps[where], text)
            elif what in _STEP:
                problems[""] = "A step that you changed is not in this draft any more. Load the page again."
        except ValueError as bad:
            problems[name] = str(bad)
    try:
        conditions.edit(changed, list(steps.values()), fields, known)
    except BadFields as bad:
        problems |= bad.problems
    if problems:
        raise BadFields(problems)
    return changed


def acted(
    document: Document,
    act: str,
    arguments: Sequence[str],
    *,
    variant: str,
    fields: Mapping[str, str],
    known: Vocabulary,
) -> Document:
    """The document after a button's act: add, remove or move a step, a start, a condition, a variant…"""
    if act in conditions.ACTS:
        changed = deepcopy(document)
        conditions.act(changed, steps_of(changed, variant), act, arguments, fields, known)
        return changed
    verb = _ACTS.get(act)
    if verb is None:
        return document
    changed = deepcopy(document)
    try:
        verb(changed, variant, list(arguments), fields)
    except (IndexError, KeyError, StopIteration):
        raise BadFields({"": "This part of the draft is not there any more. Load the page again."}) from None
    return changed


def _text(document: Document, field: str, text: str, longest: int) -> None:
    """An empty text takes the field away, so that a document holds no empty words."""
    cleaned = text.replace("\r\n", "\n").strip()
    if cleaned == str(document.get(field, "")).strip():
        return
    if len(cleaned) > longest:
        raise ValueError(f"Write at most {longest:,} characters.")
    if cleaned:
        document[field] = cleaned
    else:
        document.pop(field, None)


def _goal(document: Document, text: str) -> None:
    _text(document, "goal", text, 1000)


def _category(document: Document, text: str) -> None:
    _text(document, "category", text, 60)


def _put(document: Document, field: str, value: Any, default: Any = None) -> None:
    """What is not said means the default; saying it changes nothing, so it is not written down."""
    if document.get(field, default) != value:
        document[field] = value


def _anchor(document: Document, text: str) -> None:
    _put(document, "anchor", text, "start")


def _calendar(document: Document, text: str) -> None:
    _put(document, "calendar", text, "business")


def _review(document: Document, text: str) -> None:
    _put(document, "review_after_runs", whole(text, 1, 10_000), 20)


def _outcome_name(document: Document, text: str) -> None:
    if "outcome" in document:
        if not text.strip():
            raise ValueError("Name the outcome as people would say it.")
        document["outcome"]["name"] = text.strip()[:LONGEST_TITLE]


def _within(document: Document, text: str) -> None:
    if "outcome" in document:
        document["outcome"]["within_days"] = whole(text, 1, MOST_DAYS)


_HEAD: Final = {
    "goal": _goal,
    "category": _category,
    "anchor": _anchor,
    "calendar": _calendar,
    "review_after_runs": _review,
    "outcome_name": _outcome_name,
    "within_days": _within,
}


def _start(document: Document, where: str, text: str) -> None:
    """`start:2:days`, `start:2:when`, `start:2:stage`, `start:2:cool_down_days`."""
    number, _, what = where.partition(":")
    starts = document.get("starts", [])
    if not number.isdecimal() or int(number) >= len(starts):
        raise ValueError("This way to start is not there any more. Load the page again.")
    one = starts[int(number)]
    if what == "days":
        days = one.setdefault("days", {})
        word = "before" if "before" in days else "after"
        days[word] = whole(text, 0, MOST_DAYS)
    elif what == "when" and text in WHENS:
        days = one.setdefault("days", {})
        value = days.pop("before", days.pop("after", 0))
        days[text] = value
    elif what == "of" and text:
        one.setdefault("days", {})["of"] = text
    elif what == "stage":
        _text(one, "stage", text, 80)
    elif what == "cool_down_days":
        _put(one, "cool_down_days", whole(text, 0, MOST_DAYS), 30)


def _title(step: Document, text: str) -> None:
    if not text.strip():
        raise ValueError("Give the step a title that says what is done.")
    step["title"] = text.strip()[:LONGEST_TITLE]


def _days(step: Document, text: str) -> None:
    step.setdefault("due", {})["days"] = whole(text, 0, MOST_DAYS)


def _from(step: Document, text: str) -> None:
    """`before anchor`, `after anchor`, `after start` or `after step:KEY`: the field says both at once."""
    when, _, source = text.partition(" ")
    if when not in WHENS or not source:
        raise ValueError("Choose what the days count from.")
    due = step.setdefault("due", {})
    if (due.get("when", "after"), due.get("from", "start")) == (when, source):
        return
    due["from"] = source
    if when == "before" or "when" in due:
        due["when"] = when


def _owner(step: Document, text: str) -> None:
    _put(step, "owner", text, "")


def _long(field: str, longest: int = LONGEST_TEXT) -> Any:
    def change(step: Document, text: str) -> None:
        _text(step, field, text, longest)

    return change


_STEP: Final[dict[str, Any]] = {
    "title": _title,
    "step_goal": _long("goal", 1000),
    "done_when": _long("done_when", 400),
    "script": _long("script"),
    "template": _long("template"),
    "days": _days,
    "from": _from,
    "owner": _owner,
}


def _at(steps: list[Document], key: str) -> int:
    return next(place for place, step in enumerate(steps) if step.get("key") == key)


def _add(document: Document, variant: str, _arguments: list[str], _fields: Mapping[str, str]) -> None:
    steps = steps_of(document, variant)
    taken = {str(step.get("key")) for step in steps}
    number = len(steps) + 1
    while f"step_{number}" in taken:
        number += 1
    after = f"step:{steps[-1]['key']}" if steps else "anchor"
    steps.append(
        {
            "key": f"step_{number}",
            "title": "New step",
            "owner": steps[-1].get("owner", "account_owner") if steps else "account_owner",
            "due": {"days": 7, "from": after, "when": "after"},
        }
    )


def _remove(document: Document, variant: str, arguments: list[str], _fields: Mapping[str, str]) -> None:
    steps = steps_of(document, variant)
    key = arguments[0]
    place = _at(steps, key)
    waiting = [str(step.get("title")) for step in steps if step.get("due", {}).get("from") == f"step:{key}"]
    if waiting:
        raise BadFields({f"step:{key}": f"“{waiting[0]}” is due after this step. Change its due rule first."})
    if len(steps) == 1:
        raise BadFields({f"step:{key}": "A playbook needs at least one step. Add another one first."})
    del steps[place]


def _move(document: Document, variant: str, arguments: list[str], _fields: Mapping[str, str]) -> None:
    """`move:key:2` puts the step at that place, counted from 0; beyond the ends means the end."""
    steps = steps_of(document, variant)
    place = _at(steps, arguments[0])
    text = arguments[1]
    wanted = {"up": place - 1, "down": place + 1}.get(text, int(text) if text.isdecimal() and len(text) < 5 else place)
    steps.insert(max(0, min(len(steps) - 1, wanted)), steps.pop(place))


def _panel_add(document: Document, variant: str, arguments: list[str], fields: Mapping[str, str]) -> None:
    steps = steps_of(document, variant)
    step, fact = steps[_at(steps, arguments[0])], fields.get(f"panel_fact:{arguments[0]}", "")
    if fact and fact not in step.setdefault("panel", []):
        step["panel"].append(fact)
    if not step.get("panel"):
        step.pop("panel", None)


def _panel_drop(document: Document, variant: str, arguments: list[str], _fields: Mapping[str, str]) -> None:
    steps = steps_of(document, variant)
    step = steps[_at(steps, arguments[0])]
    step["panel"] = [fact for fact in step.get("panel", []) if fact != arguments[1]]
    if not step["panel"]:
        del step["panel"]


def _start_add(document: Document, _variant: str, arguments: list[str], fields: Mapping[str, str]) -> None:
    on = arguments[0] if arguments else fields.get("new_start", "")
    fresh: Document = {"on": on}
    if on == "date":
        fresh["days"] = {"before": 30, "of": "renewal_due"}
    elif on == "stage":
        fresh["stage"] = "onboarding"
    elif on == "signal":
        fresh["rule"] = {"fact": "accounts.days_since_contact", "op": "gte", "value": 60}
    elif on not in {"manual", "alert", "api"}:
        raise BadFields({"new_start": "Choose a way to start."})
    starts = document.setdefault("starts", [])
    if fresh not in starts:
        starts.append(fresh)


def _start_drop(document: Document, _variant: str, arguments: list[str], _fields: Mapping[str, str]) -> None:
    del document["starts"][int(arguments[0])]
    if not document["starts"]:
        del document["starts"]


def _variant_add(document: Document, variant: str, _arguments: list[str], fields: Mapping[str, str]) -> None:
    """A copy of the shown steps for one segment. Steps without variants become the variant of everybody else."""
    segment = fields.get("variant_segment", "")
    if not segment:
        raise BadFields({"variant_segment": "Choose the segment that the variant is for."})
    copied = deepcopy(steps_of(document, variant))
    if "variants" not in document:
        document["variants"] = [{"key": "standard", "steps": document.pop("steps", [])}]
    if any(one.get("key") == segment for one in document["variants"]):
        raise BadFields({"variant_segment": "This segment has a variant already."})
    # The most special first: who is named nowhere gets the one that names nobody.
    document["variants"].insert(0, {"key": segment, "segments": [segment], "steps": copied})


def _variant_drop(document: Document, _variant: str, arguments: list[str], _fields: Mapping[str, str]) -> None:
    kept = [one for one in document["variants"] if one.get("key") != arguments[0]]
    if not kept:
        raise BadFields({"variant_segment": "This is the only variant. Add another one first."})
    if len(kept) == 1 and not kept[0].get("segments"):
        del document["variants"]
        document["steps"] = kept[0]["steps"]
    else:
        document["variants"] = kept


_ACTS: Final = {
    "add": _add,
    "remove": _remove,
    "move": _move,
    "panel-add": _panel_add,
    "panel-drop": _panel_drop,
    "start-add": _start_add,
    "start-drop": _start_drop,
    "variant-add": _variant_add,
    "variant-drop": _variant_drop,
}
