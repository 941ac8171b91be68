"""Reads of our own people."""

from accounts.models import Person
from core.models import Membership


def person_id_of(membership: Membership) -> int | None:
    """The person behind a membership, or None for somebody who owns nothing. One query."""
    return Person.objects.filter(membership_id=membership.pk).values_list("pk", flat=True).first()


def person_of(membership: Membership) -> Person | None:
    """The person behind a membership, or None for somebody who is nobody's owner."""
    return Person.objects.filter(membership_id=membership.pk).first()
