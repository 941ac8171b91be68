"""Reads of our own people."""

from django.db.models import QuerySet

from accounts.models import Person
from core.models import Membership


class HasLeft(ValueError):
    """Whoever left, or is a member no longer, is given nothing more."""


def active_people() -> QuerySet[Person]:
    """Who can be given work: everybody who has not left; people without a sign-in, too."""
    return Person.objects.filter(is_active=True).exclude(membership__is_active=False)


def active_person(person_id: int) -> Person:
    """The person, to be given work. Raises `HasLeft` with the words for it, and `DoesNotExist` for a stranger."""
    person = Person.objects.select_related("membership").get(pk=person_id)
    if not person.is_active or (person.membership is not None and not person.membership.is_active):
        raise HasLeft(f"{person.name} has left. Choose somebody who is there.")
    return person


def person_id_of(membership: Membership) -> int | None:
    """The person behind a membership, or None for somebody who owns nothing. One query."""
    return Person.objects.filter(membership_id=membership.pk).values_list("pk", flat=True).first()


def person_of(membership: Membership) -> Person | None:
    """The person behind a membership, or None for somebody who is nobody's owner."""
    return Person.objects.filter(membership_id=membership.pk).first()
