"""The renewal process as a document, and the renewal playbook with what is up for renewal."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from core.documents.blocks import Block, Heading, Paragraph, Step, Steps, table
from core.documents.building import appended, live_versions
from core.documents.words import days
from core.formatting import money_short, number
from core.models import Tenant
from renewals.queries.renewals import TIMELINE_KIND, renewals_due_summary
from renewals.rules import Weekend, parse_timeline

_WEEKEND: Final = {
    Weekend.NEXT: "A step that falls on a weekend moves to the next working day.",
    Weekend.PREVIOUS: "A step that falls on a weekend moves to the working day before.",
    Weekend.KEEP: "Steps stay on weekends.",
}
RENEWAL_CATEGORY: Final = "renewal"
PERIODS: Final = (30, 90, 180)


def timeline(definition: dict[str, Any]) -> list[Block]:
    """The steps before the due date, each with what makes it done."""
    spec = parse_timeline(definition)
    return [
        Paragraph("Each open renewal gets these tasks for the owner of the account, counted back from its due date."),
        Steps(
            tuple(
                Step(
                    one.title,
                    (
                        f"{days(one.offset_days)} before the due date",
                        *([f"Done when {one.done_when}."] if one.done_when else []),
                    ),
                )
                for one in spec.steps
            )
        ),
        Paragraph(_WEEKEND[spec.weekend]),
        Paragraph(f"A renewal that is seen late gets one task for what was missed: “{spec.catch_up_title}”."),
    ]


def renewal_playbook(tenant: Tenant, today: date, sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """What is due, the timeline that leads to it, and the playbooks for renewals."""
    return list(_playbook(tenant, today, sees_money=sees_money))


def _playbook(tenant: Tenant, today: date, *, sees_money: bool) -> Iterator[Block]:
    yield Heading("What is due")
    rows = []
    for period in PERIODS:
        found = renewals_due_summary(None, today, period)
        amount = [money_short(found.amount_minor, tenant.currency)] if sees_money else []
        rows.append([f"within {days(period)}", number(found.count), *amount])
    head = ["Due", "Renewals", *(["Amount"] if sees_money else [])]
    yield table(head, rows, "Open renewals by due date", range(1, len(head)))
    for version in live_versions([TIMELINE_KIND]):
        yield from appended(version)
    for version in live_versions(["playbook"]):
        if str(version.definition.get("category", "")).casefold().startswith(RENEWAL_CATEGORY):
            yield from appended(version, f"Playbook: {version.name}")
