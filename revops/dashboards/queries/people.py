"""Who looks, and whose work they look at."""

from accounts.models import Person
from accounts.rules import name_key
from core.models import Membership


def person_id_of(membership: Membership) -> int | None:
    """The person behind a membership, or None for somebody who owns nothing. One query."""
    return Person.objects.filter(membership_id=membership.pk).values_list("pk", flat=True).first()


def people_like(text: str, limit: int = 8) -> list[Person]:
    """Active people whose name begins with the text, by name."""
    key = name_key(text)
    found = Person.objects.filter(is_active=True).order_by("name_key", "pk")
    if key:
        found = found.filter(name_key__gte=key, name_key__lt=key + "\U0010ffff")
    return list(found[:limit])
