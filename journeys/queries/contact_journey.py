"""Reads of the journey of people: how many stand in each stage, and who."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q

from journeys.models import ContactStageVisit, LifecycleStage
from journeys.queries.stage_accounts import read_after
from journeys.queries.stages import CONTACTS, lifecycle_stages

PAGE: Final = 50


@dataclass(frozen=True)
class ContactPage:
    """A page of contacts in a stage, and where the next one starts ("" at the end)."""

    rows: list[ContactStageVisit]
    after: str


@dataclass(frozen=True)
class ContactStage:
    """A stage of people with the number of contacts that stand in it."""

    key: str
    name: str
    success: str
    standing: int
    stage: LifecycleStage


def contact_stages() -> list[ContactStage]:
    """The stages of people in their order. Two statements."""
    counts = dict(
        ContactStageVisit.objects.filter(left_on=None).order_by().values_list("stage_id").annotate(n=Count("pk"))
    )
    stages = lifecycle_stages(CONTACTS)
    return [ContactStage(one.key, one.name, one.success, counts.get(one.pk, 0), one) for one in stages]


def contacts_in(stage: LifecycleStage, after: str = "") -> ContactPage:
    """The contacts of a stage, the longest there first."""
    rows = ContactStageVisit.objects.filter(stage=stage, left_on=None).select_related("contact", "contact__account")
    day, number = read_after(after)
    if day is not None:
        rows = rows.filter(Q(entered_on__gt=day) | Q(entered_on=day, pk__gt=number))
    found = list(rows.order_by("entered_on", "pk")[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return ContactPage(found[:PAGE], f"{last.entered_on.isoformat()}_{last.pk}" if last else "")
