"""Reads of the journey of people: how many stand in each stage, and who."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from journeys.models import ContactStageVisit, LifecycleStage
from journeys.queries.stage_accounts import read_after
from journeys.queries.stages import CONTACTS, lifecycle_stages

PAGE: Final = 50


@dataclass(frozen=True)
class ContactPage:
    """A page of contacts in a stage, and where the next one starts ("" at the end)."""

    rows: list[ContactStageVisit]
    after: str


def contact_stages() -> QuerySet[LifecycleStage]:
    """The stages of people with the number of contacts that stand in each. One statement."""
    return lifecycle_stages(CONTACTS).annotate(
        standing=Count("contactstagevisits", filter=Q(contactstagevisits__left_on=None))
    )


def contacts_in(stage: LifecycleStage, after: str = "") -> ContactPage:
    """The contacts of a stage, the longest there first."""
    rows = ContactStageVisit.objects.filter(stage=stage, left_on=None).select_related("contact", "contact__account")
    day, number = read_after(after)
    if day is not None:
        rows = rows.filter(Q(entered_on__gt=day) | Q(entered_on=day, pk__gt=number))
    found = list(rows.order_by("entered_on", "pk")[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return ContactPage(found[:PAGE], f"{last.entered_on.isoformat()}_{last.pk}" if last else "")
