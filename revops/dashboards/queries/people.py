"""Finding our own people by name."""

from accounts.models import Person
from accounts.rules import name_key
from core.choices import Role

_CS = (Role.CSM, Role.CS_MANAGER, Role.CS_DIRECTOR)
# Who works as one team; people of the other roles belong to none.
TEAMS = {**dict.fromkeys(_CS, _CS), Role.SALES_REP: (Role.SALES_REP,), Role.SUPPORT_AGENT: (Role.SUPPORT_AGENT,)}


def people_like(text: str, limit: int = 8) -> list[Person]:
    """Active people whose name begins with the text, by name."""
    key = name_key(text)
    found = Person.objects.filter(is_active=True).order_by("name_key", "pk")
    if key:
        found = found.filter(name_key__gte=key, name_key__lt=key + "\U0010ffff")
    return list(found[:limit])


def team_of(role: str) -> tuple[int, ...]:
    """The ids of the people who work in the team of the role, at most a hundred. One query."""
    roles = [str(one) for one in TEAMS.get(Role(role), ())]
    found = Person.objects.filter(is_active=True, membership__is_active=True, membership__role__in=roles)
    return tuple(found.order_by("pk").values_list("pk", flat=True)[:100])
