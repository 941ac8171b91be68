"""Escalation policies as documents, and the framework that they make: who answers, and within how long."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from core.documents.blocks import Block, Bullets, Paragraph, table
from core.documents.building import appended, live_versions
from core.documents.words import days
from core.formatting import money_short, number
from core.models import Tenant
from escalations.choices import Tier
from escalations.queries import POLICY_KIND, arr_at_risk, open_by_tier, parse_checked
from escalations.words import in_words


def policy(definition: dict[str, Any]) -> list[Block]:
    """When an account is escalated, who answers, within how long, and the first task."""
    spec = parse_checked(definition)
    return [
        Paragraph(f"Escalated when {in_words(spec.criteria)}."),
        Bullets(
            (
                f"Tier {spec.tier}: the {Tier(spec.tier).label} answers.",
                f"An answer is due within {days(spec.respond_hours, 'hour')}.",
                f"Task for the owner of the account: {spec.task_title}.",
                "It closes by itself when the condition stops to hold; a person may close it before, with a reason.",
            )
        ),
    ]


def framework(tenant: Tenant, _today: date, sees_money: bool) -> list[Block]:  # noqa: FBT001 -- the seam's signature
    """Tiers with their time to answer, what is open, and every policy."""
    return list(_framework(tenant, sees_money=sees_money))


def _framework(tenant: Tenant, *, sees_money: bool) -> Iterator[Block]:
    live = live_versions([POLICY_KIND])
    waiting = open_by_tier()
    hours: dict[int, list[int]] = {}
    for version in live:
        spec = parse_checked(version.definition)
        hours.setdefault(spec.tier, []).append(spec.respond_hours)
    rows = [
        (f"{tier.value}: {tier.label}", _answer(hours.get(tier.value)), number(waiting.get(tier.value, 0)))
        for tier in Tier
    ]
    yield table(("Tier", "Answers within", "Open now"), rows, "Tiers and their time to answer", [2])
    if sees_money:
        risk = arr_at_risk()
        yield Paragraph(f"{money_short(risk.arr_minor, tenant.currency)} of ARR is under an open escalation.")
    for version in live:
        yield from appended(version)


def _answer(hours: list[int] | None) -> str:
    if not hours:
        return "no policy leads here"
    low, high = min(hours), max(hours)
    return days(low, "hour") if low == high else f"{low} to {days(high, 'hour')}"
