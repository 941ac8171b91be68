"""Reads of what customers expect."""

from django.db.models import Q, QuerySet

from journeys.models import Expectation, Handoff


def expectations_of(account_id: int) -> QuerySet[Expectation]:
    """All of an account: what is not met yet first, then the newest first."""
    return Expectation.objects.filter(account_id=account_id).order_by("met_on", "-recorded_at", "-pk")


def counted_expectations(handoff: Handoff) -> QuerySet[Expectation]:
    """What a hand-off can build on: expectations that are not met yet, or were recorded for this hand-off.

    What a customer expected years ago and got says nothing of what they expect now.
    """
    first = Handoff.objects.filter(origin_key=handoff.origin_key).order_by("attempt").values("created_at")[:1]
    return Expectation.objects.filter(account_id=handoff.account_id).filter(Q(met_on=None) | Q(recorded_at__gte=first))
