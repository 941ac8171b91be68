"""Cadence and template in words, and what publishing others does."""

from datetime import date
from typing import Any, Final

from accounts.choices import AccountStatus
from accounts.models import Account
from core.differences import Line
from qbr.queries.reviews import STANDARD, live_cadence
from qbr.rules import TemplateSection, parse_cadence, parse_template

CADENCE_FIELDS: Final = ("months", "prepare_days", "on_request_months")
TEMPLATE_FIELDS: Final = ("sections", "appendix", "key", "title")


def describe_cadence(definition: dict[str, Any]) -> list[Line]:
    """Line by line, a line per segment."""
    cadence = parse_cadence(definition)
    return [
        *(
            Line(f"months.{segment}", f"review of {_segment(segment)}", f"every {_months(count)}")
            for segment, count in sorted(cadence.months.items())
        ),
        Line("prepare_days", "package ready", f"{cadence.prepare_days} days before"),
        Line("on_request_months", "on request at most", f"every {_months(cadence.on_request_months)}"),
    ]


def describe_template(definition: dict[str, Any]) -> list[Line]:
    """Line by line: the sections in their order, then the appendix."""
    template = parse_template(definition)
    return [
        *(_section(one, "section") for one in template.sections),
        *(_section(one, "appendix") for one in template.appendix),
    ]


def _section(one: TemplateSection, place: str) -> Line:
    path = f"{place}.{one.key}"
    return Line(f"{path}.title", f"title of {place} {one.key}", one.title, f"{place} {one.key}", "title", path)


def cadence_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """How many customers are reviewed more or less often."""
    if key != STANDARD:
        return [f"Reviews follow '{STANDARD}'. A cadence under another key changes nothing."]
    live = live_cadence()
    before = live[1].months if live else {}
    after = parse_cadence(definition).months
    told = []
    for segment in sorted(set(before) | set(after)):
        if before.get(segment) != after.get(segment):
            count = Account.objects.filter(status=AccountStatus.CUSTOMER, segment=segment).count()
            told.append(f"{_segment(segment)}: {count:,} customers, {_every(before.get(segment))} → "
                        f"{_every(after.get(segment))}.")  # fmt: skip
    return told


def template_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """Packages that are assembled keep the template that they were made with."""
    if key != STANDARD:
        return [f"Packages follow '{STANDARD}'. A template under another key changes nothing."]
    return ["Packages assembled from now on have these sections; those that are there stay.",
            *parse_template(definition).warnings]  # fmt: skip


def _segment(key: str) -> str:
    return key.replace("_", "-").capitalize()


def _every(months: int | None) -> str:
    return f"every {_months(months)}" if months else "never"


def _months(count: int) -> str:
    return "month" if count == 1 else f"{count} months"
