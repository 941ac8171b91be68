"""Segments: whom they hold, in words and as a count, and the framework that they make together."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum

from accounts.choices import AccountStatus, Segment
from accounts.models import Account
from accounts.rules.segments import TOUCHES, SegmentSpec, parse_segment
from core import facts
from core.differences import Line
from core.documents.blocks import Block, Bullets, Heading, Paragraph, table
from core.documents.building import live_versions
from core.documents.words import days, sentence
from core.formatting import money_short, number
from core.models import Tenant

KIND: Final = "segment"
READ_BY: Final = (
    "The segmentation framework and digital programs read this. Scores, playbooks, reviews and lists go by the segment "
    "field of each account, whatever stands here: publishing moves no account."
)


def parse_checked(definition: dict[str, Any]) -> SegmentSpec:
    """A segment whose values or facts all exist. Raises `ValueError` with the place and the remedy."""
    spec = parse_segment(definition)
    known = [one for one in Segment.values if one]
    if unknown := [one for one in spec.values if one not in known]:
        raise ValueError(f"values: there is no segment '{unknown[0]}'. Known: {', '.join(known)}.")
    if spec.rule is not None:
        facts.conditions(dict(spec.rule), "rule")
    return spec


def held_by(spec: SegmentSpec, today: date) -> QuerySet[Account]:
    """The customers that the segment holds today."""
    customers = Account.objects.filter(status=AccountStatus.CUSTOMER)
    if spec.rule is not None:
        return facts.matching(customers, dict(spec.rule), today)
    return customers.filter(segment__in=spec.values)


def _who(spec: SegmentSpec) -> str:
    if spec.rule is not None:
        return sentence(spec.rule)
    labels = dict(Segment.choices)
    return " or ".join(labels.get(one, one) for one in spec.values)


def describe(definition: dict[str, Any]) -> list[Line]:
    """Line by line."""
    spec = parse_checked(definition)
    return [
        Line("goal", "goal", spec.goal),
        Line("who", "holds", _who(spec)),
        Line("touch", "touch", spec.touch),
        Line("accounts_per_csm", "accounts per CSM", number(spec.accounts_per_csm)),
    ]


def effects(_key: str, definition: dict[str, Any], today: date) -> list[str]:
    """How many customers it would hold, and how many people that asks for."""
    spec = parse_checked(definition)
    count = held_by(spec, today).count()
    people = -(-count // spec.accounts_per_csm)
    return [f"It would hold {count:,} customers today: work for {people:,} CSM{'' if people == 1 else 's'}."]


def document(definition: dict[str, Any]) -> list[Block]:
    """A segment for people who work with it."""
    spec = parse_checked(definition)
    return [
        Paragraph(spec.goal, strong=True),
        Heading("Who is in it"),
        Paragraph(f"{_who(spec)}."),
        Heading("How they are looked after"),
        Bullets((f"{TOUCHES[spec.touch]}.", f"One CSM looks after up to {days(spec.accounts_per_csm, 'account')}.")),
        Paragraph(READ_BY),
    ]


def framework(tenant: Tenant, today: date, sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Every live segment with what it holds today, and who is in none or in several."""
    return list(_framework(tenant, today, sees_money=sees_money))


def _framework(tenant: Tenant, today: date, *, sees_money: bool) -> Iterator[Block]:
    live = [(one, parse_checked(one.definition)) for one in live_versions([KIND])]
    yield Paragraph("Each customer is looked after by the model of its segment. The figures are of today's customers.")
    rows = []
    for version, spec in live:
        found = held_by(spec, today).aggregate(count=Count("pk"), arr=Sum("arr_minor"))
        amount = [money_short(found["arr"] or 0, tenant.currency)] if sees_money else []
        people = -(-found["count"] // spec.accounts_per_csm)
        rows.append([version.name, number(found["count"]), *amount, spec.touch, number(spec.accounts_per_csm),
                     number(people)])  # fmt: skip
    head = ["Segment", "Customers", *(["ARR"] if sees_money else []), "Touch", "Per CSM", "CSMs needed"]
    yield table(head, rows, "Segments today", [1, *([2] if sees_money else []), len(head) - 2, len(head) - 1])
    yield from _overlaps([spec for _, spec in live], today)
    for version, _ in live:
        yield Heading(version.name)
        yield from (Heading(one.text, 3) if isinstance(one, Heading) else one for one in document(version.definition))


def _overlaps(specs: list[SegmentSpec], today: date) -> Iterator[Block]:
    """How many customers no segment holds, and how many more than one does."""
    customers = Account.objects.filter(status=AccountStatus.CUSTOMER)
    inside = Q(pk__in=[])
    for spec in specs:
        inside |= Q(pk__in=held_by(spec, today).values("pk"))
    outside = customers.exclude(inside).count()
    total = sum(held_by(spec, today).count() for spec in specs)
    twice = total - (customers.count() - outside)
    if outside or twice:
        none = f"{days(outside, 'customer')} in no segment. " if outside else ""
        many = f"{days(twice, 'customer')} counted more than once: rules overlap." if twice else ""
        yield Paragraph(f"{none}{many}".strip())
