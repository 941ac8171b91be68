"""Qualification frameworks: documents of typed questions, and what counts as an answer to one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from core.shapes import only

TEXT: Final = "text"
NUMBER: Final = "number"
MONEY: Final = "money"
DATE: Final = "date"
CHOICE: Final = "choice"
CONTACT: Final = "contact"
BOOLEAN: Final = "boolean"
STEPS: Final = "steps"
TYPES: Final = (TEXT, NUMBER, MONEY, DATE, CHOICE, CONTACT, BOOLEAN, STEPS)
_WITH_MIN: Final = (NUMBER, MONEY, STEPS)
_FIELDS: Final = frozenset({"key", "name", "help", "type", "choices", "min", "required"})
LONGEST: Final = 2_000
MOST_STEPS: Final = 40
_LARGEST: Final = 10**15
_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


@dataclass(frozen=True)
class Question:
    """One question. `least` is the smallest number, amount (minor units) or number of steps that satisfies it."""

    key: str
    name: str
    type: str
    help: str = ""
    choices: tuple[str, ...] = ()
    least: int | None = None
    required: bool = True


@dataclass(frozen=True)
class FrameworkSpec:
    questions: tuple[Question, ...]

    def question(self, key: str) -> Question | None:
        """The question of that key, or None."""
        return next((one for one in self.questions if one.key == key), None)

    @property
    def asked(self) -> int:
        """How many questions must be answered."""
        return sum(one.required for one in self.questions)


@dataclass(frozen=True)
class Given:
    """An answer as it is stored: its value in the type of the question, and whether it satisfies the question."""

    value: Any
    is_complete: bool


class BadAnswer(ValueError):
    """The answer is not of the question's type. The message says what would be."""


def parse_qualification(definition: Mapping[str, Any]) -> FrameworkSpec:
    """The document as questions. Raises `ValueError` that names the question, what is wrong and what would be right."""
    only(definition, "", {"questions"})
    raw = definition.get("questions")
    if not isinstance(raw, list) or not raw:
        raise ValueError("questions: give a list with at least one question.")
    questions = tuple(_question(f"questions[{place}]", one) for place, one in enumerate(raw))
    keys = [one.key for one in questions]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise ValueError(f"questions[{place}].key: the key '{key}' stands twice. Give each question its own.")
    if not any(one.required for one in questions):
        raise ValueError("questions: no question is required, so nothing could ever be missing. Require at least one.")
    return FrameworkSpec(questions)


def _question(place: str, raw: Any) -> Question:
    if not isinstance(raw, dict):
        raise ValueError(f"{place}: a question is a block with key, name and type.")  # noqa: TRY004 -- one kind of refusal for a document
    only(raw, place, _FIELDS)
    key, name = _words(place, raw, "key", 80), _words(place, raw, "name", 200)
    if not set(key) <= _SIGNS:
        raise ValueError(f"{place}.key: '{key}' may hold small letters, digits and _ only.")
    kind = raw.get("type", TEXT)
    if kind not in TYPES:
        raise ValueError(f"{place}.type: '{kind}' is unknown; one of {', '.join(TYPES)}.")
    required = raw.get("required", True)
    if not isinstance(required, bool):
        raise ValueError(f"{place}.required: true or false, not {required!r}.")  # noqa: TRY004 -- one kind of refusal for a document
    help_text = raw.get("help", "")
    if not isinstance(help_text, str):
        raise ValueError(f"{place}.help: a text, not {help_text!r}.")  # noqa: TRY004 -- one kind of refusal for a document
    return Question(key, name, str(kind), help_text.strip(), _choices(place, raw, kind), _least(place, raw, kind),
                    required)  # fmt: skip


def _words(place: str, raw: Mapping[str, Any], name: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place}.{name}: a text is needed.")
    if len(value.strip()) > longest:
        raise ValueError(f"{place}.{name}: at most {longest} signs.")
    return value.strip()


def _choices(place: str, raw: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    choices = raw.get("choices")
    if kind != CHOICE:
        if choices is not None:
            raise ValueError(f"{place}.choices: only for type choice. Remove it, or change the type.")
        return ()
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(one, str) and one for one in choices):
        raise ValueError(f"{place}.choices: give a list of at least two texts.")
    if len(set(choices)) != len(choices):
        raise ValueError(f"{place}.choices: a text stands twice. Keep one of each.")
    return tuple(choices)


def _least(place: str, raw: Mapping[str, Any], kind: str) -> int | None:
    least = raw.get("min")
    if least is None:
        return None
    if kind not in _WITH_MIN:
        raise ValueError(f"{place}.min: only for {', '.join(_WITH_MIN)}. Remove it, or change the type.")
    if not isinstance(least, int) or isinstance(least, bool) or least < 1:
        raise ValueError(f"{place}.min: a whole number from 1, or left out; not {least!r}.")
    return least


def judged(question: Question, value: Any, *, has_contact: bool = False) -> Given:
    """The answer as it is stored. Raises `BadAnswer` for one of another type than the question asks.

    A yes-or-no question is satisfied by yes, a contact by a contact of the account, steps by enough steps that each
    say what and by when. An answer that does not satisfy is kept all the same: it is work under way.
    """
    if question.type == CONTACT:
        return Given(str(value or "")[:LONGEST], has_contact)
    return _JUDGES[question.type](question, value)


def _text(_question: Question, value: Any) -> Given:
    if not isinstance(value, str):
        raise BadAnswer("Answer with a text.")
    if len(value) > LONGEST:
        raise BadAnswer(f"At most {LONGEST:,} signs; this answer has {len(value):,}.")
    return Given(value.strip(), bool(value.strip()))


def _number(question: Question, value: Any) -> Given:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise BadAnswer("Answer with a number.")
    return Given(value, question.least is None or value >= question.least)


def _money(question: Question, value: Any) -> Given:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise BadAnswer("Answer with an amount.")
    return Given(value, value >= (question.least or 1))


def _date(_question: Question, value: Any) -> Given:
    day = _day(value)
    if day is None:
        raise BadAnswer("Answer with a date such as 2026-12-31.")
    return Given(day.isoformat(), True)


def _choice(question: Question, value: Any) -> Given:
    if value not in question.choices:
        raise BadAnswer(f"Answer with one of: {', '.join(question.choices)}.")
    return Given(value, True)


def _boolean(_question: Question, value: Any) -> Given:
    if not isinstance(value, bool):
        raise BadAnswer("Answer with yes or no.")
    return Given(value, value)


def _steps(question: Question, value: Any) -> Given:
    if not isinstance(value, list) or len(value) > MOST_STEPS:
        raise BadAnswer(f"Answer with a list of at most {MOST_STEPS} steps.")
    steps = [_step(place, raw) for place, raw in enumerate(value, start=1)]
    full = sum(bool(step["what"] and step["on"]) for step in steps)
    return Given(steps, full >= (question.least or 1))


def _step(place: int, raw: Any) -> dict[str, str | None]:
    if not isinstance(raw, dict) or not isinstance(raw.get("what"), str) or set(raw) - {"what", "on"}:
        raise BadAnswer(f"Step {place} needs `what`, and `on` with its date.")
    on = raw.get("on") or None
    day = _day(on)
    if on is not None and day is None:
        raise BadAnswer(f"Step {place}: {on!r} is no date such as 2026-12-31.")
    return {"what": raw["what"].strip()[:400], "on": day.isoformat() if day else None}


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_JUDGES: Final = {
    TEXT: _text, NUMBER: _number, MONEY: _money, DATE: _date, CHOICE: _choice, BOOLEAN: _boolean, STEPS: _steps,
}  # fmt: skip

_QUESTION_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["key", "name"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": "^[a-z0-9_]{1,80}$", "description": "Rules name the question by it."},
        "name": {"type": "string", "description": "The question as a salesperson reads it."},
        "help": {"type": "string"},
        "type": {"enum": list(TYPES), "default": TEXT},
        "choices": {"type": "array", "minItems": 2, "items": {"type": "string"}, "description": "For type choice."},
        "min": {"type": "integer", "minimum": 1, "description": "Least number, amount in minor units, or steps."},
        "required": {"type": "boolean", "default": True},
    },
}
SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Qualification framework",
    "type": "object",
    "required": ["questions"],
    "additionalProperties": False,
    "properties": {
        "kind": {"const": "qualification"},
        "key": {"type": "string"},
        "name": {"type": "string"},
        "questions": {"type": "array", "minItems": 1, "items": _QUESTION_SCHEMA},
    },
}
