"""Finding our own people by name."""

from accounts.models import Person
from accounts.rules import name_key


def people_like(text: str, limit: int = 8) -> list[Person]:
    """Active people whose name begins with the text, by name."""
    key = name_key(text)
    found = Person.objects.filter(is_active=True).order_by("name_key", "pk")
    if key:
        found = found.filter(name_key__gte=key, name_key__lt=key + "\U0010ffff")
    return list(found[:limit])
