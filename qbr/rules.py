"""Cadences, templates and packages: pure functions of documents, dates and values."""

import hashlib
import json
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from core.shapes import only

SECTIONS: Final = ("summary", "goals", "risks", "plan", "decisions", "usage", "support", "commercial")
# Without these two a review reports status instead of leading somewhere.
STRATEGIC: Final = ("goals", "decisions")
# A review that nobody opened for longer than this (an outage, a changed segment) is not made up for.
MADE_UP_FOR_DAYS: Final = 30


@dataclass(frozen=True)
class Cadence:
    """How often each segment is reviewed, and how long before the due date the package is assembled."""

    months: dict[str, int]
    prepare_days: int
    on_request_months: int


@dataclass(frozen=True)
class TemplateSection:
    key: str
    title: str


@dataclass(frozen=True)
class Template:
    """The sections on the customer's pages, and those that come as an appendix."""

    sections: tuple[TemplateSection, ...]
    appendix: tuple[TemplateSection, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes it a status report, in words."""
        there = {section.key for section in self.sections}
        return tuple(f"No section '{key}': a review without it is a status report." for key in STRATEGIC
                     if key not in there)  # fmt: skip


class BadDocument(ValueError):
    """The document cannot be used; the message names the field and the remedy."""


def parse_cadence(definition: Mapping[str, Any]) -> Cadence:
    """Raises `BadDocument`."""
    only(definition, "", {"months", "prepare_days", "on_request_months"})
    months = definition.get("months")
    if not isinstance(months, dict):
        raise BadDocument("months: a cadence needs `months`: segment → months between reviews.")
    return Cadence(
        months={str(segment): _whole(value, f"months.{segment}", 1, 24) for segment, value in months.items()},
        prepare_days=_whole(definition.get("prepare_days", 14), "prepare_days", 1, 60),
        on_request_months=_whole(definition.get("on_request_months", 3), "on_request_months", 1, 24),
    )


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadDocument(f"{name}: a whole number from {low} to {high}, not {value!r}.")
    return value


def parse_template(definition: Mapping[str, Any]) -> Template:
    """Raises `BadDocument`."""
    only(definition, "", {"sections", "appendix"})
    sections = _sections(definition.get("sections"), "sections")
    if not sections:
        raise BadDocument("sections: a template needs at least one section.")
    return Template(sections=sections, appendix=_sections(definition.get("appendix", []), "appendix"))


def _sections(raw: Any, field: str) -> tuple[TemplateSection, ...]:
    if not isinstance(raw, list):
        raise BadDocument(f"{field}: a list of sections with key and title.")
    found = []
    for place, entry in enumerate(raw):
        if not isinstance(entry, dict) or entry.get("key") not in SECTIONS:
            raise BadDocument(f"{field}[{place}].key: one of {', '.join(SECTIONS)}.")
        only(entry, f"{field}[{place}]", {"key", "title"})
        found.append(TemplateSection(entry["key"], str(entry.get("title") or entry["key"].capitalize())))
    return tuple(found)


def add_months(day: date, months: int) -> date:
    """The same day that many months on, or the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def due_now(anchor: date, months: int, today: date, prepare_days: int) -> date | None:
    """The review to have a package by now: the last due date that is at most `prepare_days` ahead.

    Counted from the anchor, so that short months cause no drift. None before the first one, and when the last one was
    missed for so long that it is not made up for.
    """
    horizon = date.fromordinal(today.toordinal() + prepare_days)
    count = (horizon.year - anchor.year) * 12 + horizon.month - anchor.month
    rounds = count // months
    if rounds >= 1 and add_months(anchor, rounds * months) > horizon:
        rounds -= 1
    if rounds < 1:
        return None
    due = add_months(anchor, rounds * months)
    return due if (today - due).days <= MADE_UP_FOR_DAYS else None


def goal_reached(baseline: float | None, target: float, actual: float | None) -> bool | None:
    """Whether the goal is reached, in the direction from baseline to target. None while nothing was measured."""
    if actual is None:
        return None
    falls = baseline is not None and target < baseline
    return actual <= target if falls else actual >= target


def goal_progress(baseline: float | None, target: float, actual: float | None) -> float | None:
    """The share of the way from baseline to target, 0 to 1."""
    if actual is None:
        return None
    start = baseline if baseline is not None else 0.0
    if target == start:
        return 1.0 if actual == target else 0.0
    return max(0.0, min(1.0, (actual - start) / (target - start)))


def headline(reached: Sequence[bool | None], progress: Sequence[float | None] = ()) -> str:
    """The finding that a review starts with: goals reached, else how far the furthest one is."""
    total, done = len(reached), sum(1 for one in reached if one)
    furthest = max((share for share in progress if share is not None), default=0.0)
    if not total:
        return "No goals are agreed yet: that is what this review is for"
    if all(one is None for one in reached):
        return f"{_goals(total)} agreed, nothing measured yet"
    if done == total:
        return "The goal is reached" if total == 1 else f"All {total} goals are reached"
    if not done:
        return f"{_goals(total)} on the way, the furthest at {int(furthest * 100)} %"
    return f"{done} of {_goals(total)} {'is' if done == 1 else 'are'} reached"


def _goals(count: int) -> str:
    return "1 goal" if count == 1 else f"{count} goals"


def plain(value: float | int | None) -> float | int | None:
    """A number that looks the same before and after a round trip through the database."""
    if value is None or isinstance(value, int):
        return value
    rounded = round(float(value), 4)
    return int(rounded) if rounded.is_integer() else rounded


def package_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form: the same content gives the same hash, whatever the order of its keys."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
