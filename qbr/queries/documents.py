"""Cadence and template of reviews as documents."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from accounts.choices import AccountStatus
from accounts.models import Account
from core.documents.blocks import Block, Bullets, Heading, Paragraph, Step, Steps, table
from core.documents.building import appended, live_versions
from core.documents.words import days, humanised
from core.formatting import number
from core.models import Tenant
from qbr.queries.reviews import CADENCE_KIND, TEMPLATE_KIND
from qbr.rules import parse_cadence, parse_template

# What each part of a package is filled with, by itself, and what the CSM adds.
CONTENT: Final = {
    "summary": "The finding in one sentence, from goals and results.",
    "goals": "Each goal with baseline, target and what was reached, and how it was measured.",
    "risks": "What stands in the way, who works on it and until when.",
    "plan": "What happens in the next period, by whom.",
    "decisions": "What we ask the sponsor to decide in this meeting.",
    "usage": "How the product is used, over the period and against the one before.",
    "support": "Tickets, response and resolution times, satisfaction.",
    "commercial": "What is agreed: contracts, amounts, dates.",
}


def cadence(definition: dict[str, Any]) -> list[Block]:
    """How often each segment is reviewed."""
    spec = parse_cadence(definition)
    return [
        table(
            ("Segment", "Reviewed"),
            [(humanised(segment), _every(count)) for segment, count in sorted(spec.months.items())],
            "Cadence by segment",
        ),
        Bullets(
            (
                f"The package is assembled {days(spec.prepare_days)} before the due date and its figures are frozen.",
                f"Customers without a cadence are reviewed on request, at most {_every(spec.on_request_months)}.",
            )
        ),
    ]


def template(definition: dict[str, Any]) -> list[Block]:
    """The sections of a review in their order, and what fills each."""
    spec = parse_template(definition)
    blocks: list[Block] = [
        Paragraph("A review starts with what the customer wanted to reach, and ends with what is decided."),
        Heading("Sections"),
        Steps(tuple(Step(one.title, (CONTENT[one.key],)) for one in spec.sections)),
    ]
    if spec.appendix:
        blocks += [Heading("Appendix"), Bullets(tuple(f"{one.title}: {CONTENT[one.key]}" for one in spec.appendix))]
    return [*blocks, *(Paragraph(warning, strong=True) for warning in spec.warnings)]


def qbr_template(_tenant: Tenant, _today: date, _sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """The template with the cadence, and how many customers each segment has."""
    return list(_whole())


def _whole() -> Iterator[Block]:
    for version in live_versions([TEMPLATE_KIND, CADENCE_KIND]):
        yield from appended(version)
        if version.kind == CADENCE_KIND:
            customers = Account.objects.filter(status=AccountStatus.CUSTOMER)
            rows = [
                (humanised(segment), number(customers.filter(segment=segment).count()), _every(count))
                for segment, count in sorted(parse_cadence(version.definition).months.items())
            ]
            yield table(("Segment", "Customers", "Reviewed"), rows, "Customers under this cadence today", [1])


def _every(count: int) -> str:
    return "every month" if count == 1 else f"every {count} months"
