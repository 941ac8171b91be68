"""Lead grading as a document: rules that give points for fit and for engagement, and the points each grade asks for.

A grade is a letter for fit (A to D: who they are) and a figure for engagement (1 to 4: what they do). Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from core.shapes import only

Part = Literal["fit", "engagement"]

FIT: Final = "fit"
ENGAGEMENT: Final = "engagement"
LETTERS: Final = ("A", "B", "C", "D")
FIGURES: Final = ("1", "2", "3", "4")
MARKS: Final[Mapping[str, tuple[str, ...]]] = {FIT: LETTERS, ENGAGEMENT: FIGURES}
ACTIVITIES: Final = ("call", "meeting", "email", "note")
FIELDS: Final = (
    FIT, ENGAGEMENT, "grades", "key", "name", "rule", "count", "points", "of", "days", "at_least", *LETTERS[:3],
    *FIGURES[:3], "all", "any", "not", "fact", "op", "value",
)  # fmt: skip
MOST_RULES: Final = 30
MOST_POINTS: Final = 100
LONGEST_WINDOW: Final = 730
_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


@dataclass(frozen=True)
class Window:
    """So many activities of these kinds within the last days, today included."""

    of: tuple[str, ...]
    days: int
    at_least: int = 1


@dataclass(frozen=True)
class GradeRule:
    """Gives its points where it holds. Either `rule`, a tree over facts of the account, or `count`."""

    key: str
    name: str
    points: int
    rule: Mapping[str, Any] | None = None
    count: Window | None = None


@dataclass(frozen=True)
class GradingSpec:
    """`fit_from` and `engagement_from`: the points from which A, B, C and 1, 2, 3 begin. Below is D, is 4."""

    fit: tuple[GradeRule, ...]
    engagement: tuple[GradeRule, ...]
    fit_from: tuple[int, int, int]
    engagement_from: tuple[int, int, int]

    def rules(self, part: str) -> tuple[GradeRule, ...]:
        return self.fit if part == FIT else self.engagement

    def starts(self, part: str) -> tuple[int, int, int]:
        return self.fit_from if part == FIT else self.engagement_from


def mark(points: int, starts: Sequence[int], marks: Sequence[str]) -> str:
    """The first mark whose points are reached, else the last. Half-open: who has exactly the points has the mark."""
    return next((one for one, start in zip(marks, starts, strict=False) if points >= start), marks[-1])


def grade(fit: int, engagement: int, spec: GradingSpec) -> str:
    """`B2`: the letter of fit and the figure of engagement."""
    return mark(fit, spec.fit_from, LETTERS) + mark(engagement, spec.engagement_from, FIGURES)


def parse_lead_grading(definition: Mapping[str, Any]) -> GradingSpec:
    """Raises `ValueError` that starts with the field and names the remedy. Facts are checked where they are known."""
    only(definition, "", {FIT, ENGAGEMENT, "grades"})
    fit, engagement = (_rules(definition.get(part), part) for part in (FIT, ENGAGEMENT))
    seen: set[str] = set()
    for part, rules in ((FIT, fit), (ENGAGEMENT, engagement)):
        for place, one in enumerate(rules):
            if one.key in seen:
                raise ValueError(f"{part}[{place}].key: '{one.key}' stands twice. Give each rule a key of its own.")
            seen.add(one.key)
    grades = definition.get("grades")
    if not isinstance(grades, Mapping):
        raise ValueError("grades: give a block with fit (points for A, B, C) and engagement (points for 1, 2, 3).")  # noqa: TRY004 -- a fault of the document, not of the code
    only(grades, "grades", {FIT, ENGAGEMENT})
    return GradingSpec(fit, engagement, _starts(grades.get(FIT), FIT), _starts(grades.get(ENGAGEMENT), ENGAGEMENT))


def check_reachable(spec: GradingSpec) -> None:
    """Raises `ValueError` where all rules together do not give the best mark: then the matrix has empty rows."""
    for part in (FIT, ENGAGEMENT):
        most, first = sum(max(one.points, 0) for one in spec.rules(part)), spec.starts(part)[0]
        best = MARKS[part][0]
        if most < first:
            raise ValueError(
                f"grades.{part}.{best}: nobody can reach {first} points, the rules give {most} at most. "
                "Lower it, or give more points."
            )


def _rules(raw: Any, part: str) -> tuple[GradeRule, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_RULES:
        raise ValueError(f"{part}: give a list of 1 to {MOST_RULES} rules, each with key, name, points and a rule.")
    return tuple(_rule(one, f"{part}[{place}]", part) for place, one in enumerate(raw))


def _rule(raw: Any, place: str, part: str) -> GradeRule:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a rule is a block with key, name, points and either rule or count.")  # noqa: TRY004 -- a fault of the document, not of the code
    only(raw, place, {"key", "name", "rule", "count", "points"})
    if part == FIT and "count" in raw:
        raise ValueError(f"{place}.count: fit is who they are. Move the count to engagement, or write a rule.")
    if ("rule" in raw) == ("count" in raw):
        words = "a rule over facts" if part == FIT else "either a rule over facts or a count"
        raise ValueError(f"{place}.rule: say when it holds, by {words}.")
    key, name, tree = raw.get("key"), raw.get("name"), raw.get("rule")
    if not isinstance(key, str) or not 0 < len(key) <= 80 or not set(key) <= _SIGNS:
        raise ValueError(f"{place}.key: small letters, digits and underscores, 80 at most; not {key!r}.")
    if not isinstance(name, str) or not name.strip() or len(name) > 160:
        raise ValueError(f"{place}.name: say in at most 160 characters what it is about.")
    if "rule" in raw and (not isinstance(tree, Mapping) or not tree):
        raise ValueError(f"{place}.rule: a rule is a block with all, any, not or fact, not {tree!r}.")
    points = raw.get("points")
    if not _whole(points, -MOST_POINTS, MOST_POINTS) or not points:
        raise ValueError(f"{place}.points: a whole number from -{MOST_POINTS} to {MOST_POINTS}, not {points!r} or 0.")
    window = _window(raw["count"], f"{place}.count") if "count" in raw else None
    return GradeRule(key, name.strip(), points, dict(tree) if tree is not None else None, window)


def _window(raw: Any, place: str) -> Window:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a count is a block with of, days and at_least.")  # noqa: TRY004 -- a fault of the document, not of the code
    only(raw, place, {"of", "days", "at_least"})
    of, days, least = raw.get("of"), raw.get("days"), raw.get("at_least", 1)
    known = isinstance(of, list) and of and all(isinstance(one, str) and one in ACTIVITIES for one in of)
    if not known or len(set(of)) != len(of):  # type: ignore[arg-type]  # -- a list by the line above
        raise ValueError(f"{place}.of: a list of {', '.join(ACTIVITIES)}, each once; not {of!r}.")
    if not _whole(days, 1, LONGEST_WINDOW):
        raise ValueError(f"{place}.days: a whole number from 1 to {LONGEST_WINDOW}, not {days!r}.")
    if not _whole(least, 1, 1000):
        raise ValueError(f"{place}.at_least: a whole number from 1 to 1000, not {least!r}.")
    return Window(tuple(of), days, least)  # type: ignore[arg-type]  # -- texts and a number by the lines above


def _starts(raw: Any, part: str) -> tuple[int, int, int]:
    place, marks = f"grades.{part}", MARKS[part][:3]
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: give the points from which {', '.join(marks)} begin.")  # noqa: TRY004 -- a fault of the document, not of the code
    only(raw, place, marks)
    for one in marks:
        if not _whole(raw.get(one), -10_000, 10_000):
            raise ValueError(
                f"{place}.{one}: give a whole number, the points from which it begins; not {raw.get(one)!r}."
            )
    for better, worse in pairwise(marks):
        if raw[worse] >= raw[better]:
            raise ValueError(f"{place}.{worse}: {raw[worse]} is not below the {raw[better]} of {better}. Lower it.")
    first, second, third = (int(raw[one]) for one in marks)
    return first, second, third


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is(fact: str, value: str) -> dict[str, Any]:
    return {"fact": fact, "op": "eq", "value": value}


def _from(fact: str, value: int) -> dict[str, Any]:
    return {"fact": fact, "op": "gte", "value": value}


_TALKS: Final = ["call", "meeting", "email"]
DEFAULT_GRADING: Final[Mapping[str, Any]] = {
    FIT: [
        {"key": "enterprise", "name": "Enterprise", "rule": _is("accounts.segment", "enterprise"), "points": 50},
        {"key": "mid_market", "name": "Mid-market", "rule": _is("accounts.segment", "mid_market"), "points": 35},
        {"key": "small", "name": "Small business", "rule": _is("accounts.segment", "small"), "points": 10},
        {"key": "size", "name": "200 employees or more", "rule": _from("accounts.employees", 200), "points": 25},
        {
            "key": "described",
            "name": "Industry and country are known",
            "rule": {
                "all": [
                    {"fact": "accounts.industry", "op": "is_known"},
                    {"fact": "accounts.country", "op": "is_known"},
                ]
            },
            "points": 10,
        },
        {
            "key": "sponsor",
            "name": "A sponsor is known",
            "rule": _from("accounts.sponsors", 1),
            "points": 15,
        },
    ],
    ENGAGEMENT: [
        {
            "key": "talked",
            "name": "Talked to in 30 days",
            "count": {"of": _TALKS, "days": 30, "at_least": 1},
            "points": 30,
        },
        {"key": "met", "name": "Met in 60 days", "count": {"of": ["meeting"], "days": 60, "at_least": 1}, "points": 25},
        {
            "key": "often",
            "name": "Four talks or more in 90 days",
            "count": {"of": _TALKS, "days": 90, "at_least": 4},
            "points": 15,
        },
        {"key": "people", "name": "Two people or more are known", "rule": _from("accounts.contacts", 2), "points": 10},
        {
            "key": "considering",
            "name": "Considers or decides",
            "rule": {"fact": "journeys.stage", "op": "in", "value": ["consideration", "decision"]},
            "points": 20,
        },
        {
            "key": "silent",
            "name": "Silent for 90 days",
            "rule": {"fact": "accounts.days_since_contact", "op": "gt", "value": 90},
            "points": -20,
        },
    ],
    "grades": {FIT: {"A": 75, "B": 45, "C": 25}, ENGAGEMENT: {"1": 70, "2": 45, "3": 20}},
}

_KEY_SCHEMA: Final = {"type": "string", "pattern": "^[a-z0-9_]{1,80}$"}
_POINTS: Final = {"type": "integer", "minimum": -MOST_POINTS, "maximum": MOST_POINTS, "not": {"const": 0}}


def _rule_schema(*, with_count: bool) -> dict[str, Any]:
    rule = {"type": "object", "description": "A tree of all, any, not and conditions on facts."}
    count = {
        "type": "object",
        "required": ["of", "days"],
        "additionalProperties": False,
        "properties": {
            "of": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(ACTIVITIES)}},
            "days": {"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW},
            "at_least": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
        },
    }
    one_of = [{"required": ["rule"]}, {"required": ["count"]}] if with_count else [{"required": ["rule"]}]
    return {
        "type": "object",
        "required": ["key", "name", "points"],
        "oneOf": one_of,
        "additionalProperties": False,
        "properties": {
            "key": _KEY_SCHEMA,
            "name": {"type": "string", "maxLength": 160},
            "rule": rule,
            **({"count": count} if with_count else {}),
            "points": _POINTS,
        },
    }


def _starts_schema(marks: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(marks),
        "additionalProperties": False,
        "properties": {one: {"type": "integer"} for one in marks},
        "description": "The points from which each begins, falling.",
    }


def _list_schema(*, with_count: bool) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": MOST_RULES, "items": _rule_schema(with_count=with_count)}


SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Lead grading",
    "type": "object",
    "required": [FIT, ENGAGEMENT, "grades"],
    "additionalProperties": False,
    "properties": {
        "kind": {"const": "lead_grading"},
        "key": {"type": "string"},
        "name": {"type": "string"},
        FIT: _list_schema(with_count=False),
        ENGAGEMENT: _list_schema(with_count=True),
        "grades": {
            "type": "object",
            "required": [FIT, ENGAGEMENT],
            "additionalProperties": False,
            "properties": {FIT: _starts_schema(LETTERS[:3]), ENGAGEMENT: _starts_schema(FIGURES[:3])},
        },
    },
}
