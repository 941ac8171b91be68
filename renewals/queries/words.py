"""The renewal timeline in words, and what publishing another one does."""

from datetime import date
from typing import Any, Final

from core.differences import Line
from renewals.choices import RenewalState
from renewals.models import Renewal
from renewals.queries.renewals import TIMELINE_KEY, live_timeline
from renewals.rules import Weekend, parse_timeline

FIELDS: Final = ("weekend", "catch_up_title", "steps", "offset_days", "title", "done_when", "priority")
_WEEKEND: Final = {
    Weekend.NEXT: "to the next working day",
    Weekend.PREVIOUS: "to the working day before",
    Weekend.KEEP: "nowhere",
}


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line. A step is known by its title, so that another day reads as the same step moved."""
    timeline = parse_timeline(definition)
    lines = [
        Line("weekend", "a step on a weekend moves", _WEEKEND[timeline.weekend]),
        Line("catch_up_title", "task for steps already missed", timeline.catch_up_title),
    ]
    for step in timeline.steps:
        part, path = f"step “{step.title}”", f"steps.{step.title}"
        lines += [
            Line(f"{path}.offset_days", f"{part} due", _days(step.offset_days), part, "due", path),
            Line(f"{path}.done_when", f"{part} done when", step.done_when or "not said", part, "done when", path),
            Line(f"{path}.priority", f"priority of {part}", str(step.priority), part, "priority", path),
        ]
    return lines


def effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """How many open renewals it reaches, and what happens to tasks that are there already."""
    if key != TIMELINE_KEY:
        return [f"Renewals follow '{TIMELINE_KEY}'. A timeline under another key changes nothing."]
    count = Renewal.objects.filter(state=RenewalState.OPEN).count()
    live = live_timeline()
    fresh = set(parse_timeline(definition).offsets) - set(live[1].offsets if live else ())
    if not count or not fresh:
        return [f"{count:,} open renewals keep the tasks that they have; new renewals follow the new text."]
    days = ", ".join(str(days) for days in sorted(fresh, reverse=True))
    return [f"{count:,} open renewals get a task at {days} days before, where that day is ahead; other tasks stay."]


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'} before"
