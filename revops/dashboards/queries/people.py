"""Finding our own people by name."""

from django.db.models import Exists, OuterRef, Q

from accounts.choices import AccountStatus
from accounts.models import Account, Person
from accounts.queries.people import active_people
from accounts.rules import name_key
from core.choices import Role

_CS = (Role.CSM, Role.CS_MANAGER, Role.CS_DIRECTOR)
# Who works as one team; people of the other roles belong to none.
TEAMS = {**dict.fromkeys(_CS, _CS), Role.SALES_REP: (Role.SALES_REP,), Role.SUPPORT_AGENT: (Role.SUPPORT_AGENT,)}


def people_like(text: str, limit: int = 8) -> list[Person]:
    """Active people whose name begins with the text, by name."""
    key = name_key(text)
    found = active_people().order_by("name_key", "pk")
    if key:
        found = found.filter(name_key__gte=key, name_key__lt=key + "\U0010ffff")
    return list(found[:limit])


def team_of(role: str) -> tuple[int, ...]:
    """The ids of the people who work in the team of the role, at most a hundred. One query.

    Whoever looks after customers belongs to customer success, with a sign-in or without.
    """
    roles = TEAMS.get(Role(role), ())
    team = Q(membership__is_active=True, membership__role__in=[str(one) for one in roles])
    if Role.CSM in roles:
        customers = Account.objects.filter(owner_id=OuterRef("pk"), status=AccountStatus.CUSTOMER)
        team |= Q(Exists(customers), membership=None)
    found = Person.objects.filter(team, is_active=True).order_by("pk")
    return tuple(found.values_list("pk", flat=True)[:100])
