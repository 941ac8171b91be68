"""Lead grading in words: as a process, and as the reasons of one grade."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from core import facts, registry
from core.differences import Line
from core.documents.blocks import Block, Heading, Paragraph, table
from core.documents.words import days, sentence
from core.formatting import number
from journeys.queries.gate_lines import said_value
from journeys.queries.lead_grades import Graded, count_key, every_rule, graded, live_grading, prospects
from journeys.rules.gate_words import seen_words
from journeys.rules.lead_grading import (
    ENGAGEMENT,
    FIT,
    MARKS,
    GradeRule,
    GradingSpec,
    Window,
    check_reachable,
    parse_lead_grading,
)

PARTS: Final = {FIT: "Fit", ENGAGEMENT: "Engagement"}
ASKS: Final = {FIT: "who they are", ENGAGEMENT: "what they do"}
NOTE: Final = "Grades are worked out when they are read: publishing changes every list at once, and no account."
_KINDS: Final = {"call": "calls", "meeting": "meetings", "email": "e-mails", "note": "notes"}


@dataclass(frozen=True)
class ReasonLine:
    """One rule of a grade: what it would give, whether it holds, and what was seen."""

    part: str
    key: str
    name: str
    points: int
    holds: bool
    seen: str

    @property
    def given(self) -> int:
        """The points that count."""
        return self.points if self.holds else 0


def parse_checked(definition: dict[str, Any]) -> GradingSpec:
    """A grading whose rules name only facts that exist. Raises `ValueError` with the place and the remedy."""
    spec = parse_lead_grading(definition)
    for part in PARTS:
        for place, one in enumerate(spec.rules(part)):
            if one.rule is not None:
                facts.conditions(dict(one.rule), f"{part}[{place}].rule")
    return spec


def publish_check(definition: dict[str, Any]) -> None:
    """The best grade can be reached."""
    check_reachable(parse_lead_grading(definition))


def reasons(one: Graded, spec: GradingSpec, *, currency: str, today: date, sees_money: bool) -> list[ReasonLine]:
    """Every rule with what it saw of the account, fit first; amounts are left out for those who see none."""
    known = registry.facts()
    labels = {key: fact.label for key, fact in known.items()}
    hidden = () if sees_money else {key for key, fact in known.items() if fact.type == "money"}

    def say(fact: str, value: Any) -> str:
        text = said_value(known.get(fact), value, currency, today)
        return text.replace("_", " ") if fact in known and known[fact].type == "choice" else text

    lines = []
    for (part, rule), holds in zip(every_rule(spec), one.met, strict=True):
        if rule.count is not None:
            saw = int(one.values[count_key(rule.count)])
            words = _window(rule.count)
            seen = f"{words[:1].upper()}{words[1:]}: {number(saw)}"
            seen += "" if holds else f"; needs {number(rule.count.at_least)}"
        else:
            seen = seen_words(rule.rule or {}, one.values, labels, say, hidden)
        lines.append(ReasonLine(part, rule.key, rule.name, rule.points, holds, seen))
    return lines


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line, rule after rule, then what each grade asks for."""
    spec = parse_checked(definition)
    lines: list[Line] = []
    for part, rule in every_rule(spec):
        path, of = f"{part}.{rule.key}", f"rule {rule.name}"
        lines += [
            Line(f"{path}.name", f"name of rule {rule.key}", rule.name, of, "name", path),
            Line(f"{path}.rule", f"{of} holds when", _when(rule), of, "holds when", path),
            Line(
                f"{path}.points", f"points of {of}", f"{number(rule.points, plus=True)} for {part}", of, "points", path
            ),
        ]
    return lines + [
        Line(f"grades.{part}.{mark}", f"{part} {mark} begins at", f"{start} points")
        for part in PARTS
        for mark, start in zip(MARKS[part], spec.starts(part), strict=False)
    ]


def effects(key: str, definition: dict[str, Any], today: date) -> list[str]:
    """How many prospects would change their grade, and how many would have the best."""
    new = {one.account_id: one.grade for one in graded(prospects(), parse_checked(definition), today)}
    live = live_grading(key)
    best = sum(grade == "A1" for grade in new.values())
    if live is None:
        return [f"{len(new):,} prospects would be graded, {best:,} of them A1."]
    old = {one.account_id: one.grade for one in graded(prospects(), live.spec, today)}
    moved = sum(new[pk] != grade for pk, grade in old.items() if pk in new)
    was = sum(grade == "A1" for grade in old.values())
    return [f"{moved:,} of {len(new):,} prospects would change their grade; {best:,} would be A1, {was:,} are."]


def document(definition: dict[str, Any]) -> list[Block]:
    """The grading for people who work with it."""
    spec = parse_checked(definition)
    blocks: list[Block] = [
        Paragraph("A letter for fit and a figure for engagement. A1 is called first.", strong=True),
        Paragraph(NOTE),
    ]
    for part, name in PARTS.items():
        marks = [f"{mark} from {start}" for mark, start in zip(MARKS[part], spec.starts(part), strict=False)]
        rows = [[rule.name, _when(rule), number(rule.points, plus=True)] for rule in spec.rules(part)]
        blocks += [
            Heading(f"{name}: {ASKS[part]}"),
            table(["Rule", "Holds when", "Points"], rows, f"Rules of {part}", [2]),
            Paragraph(f"{', '.join(marks)} points; below that {MARKS[part][-1]}."),
        ]
    return blocks


def _when(rule: GradeRule) -> str:
    if rule.count is not None:
        return f"{number(rule.count.at_least)} or more {_window(rule.count)}"
    return sentence(rule.rule)


def _window(count: Window) -> str:
    *firsts, last = (_KINDS[one] for one in count.of)
    return f"{', '.join(firsts)}{' or ' if firsts else ''}{last} in {days(count.days)}"
