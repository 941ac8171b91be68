"""What stands beside the selected row: health with its exact parts, people, last contact."""

from dataclasses import dataclass
from datetime import date, timedelta

from accounts.choices import ContactRole
from accounts.models import Activity, Contact
from health.queries import Explained, Explanation, explain, sparklines

_KEY_ROLES = (ContactRole.SPONSOR, ContactRole.DECISION_MAKER, ContactRole.CHAMPION)


@dataclass(frozen=True)
class Panel:
    """The account of a row, as much as one needs before acting."""

    health: Explanation | None
    falls: list[Explained]
    line: list[float | None]
    contacts: list[Contact]
    last_activity: Activity | None


def panel(account_id: int, as_of: date, *, since_days: int = 30) -> Panel:
    """The change is counted from so many days before `as_of`. Five queries, whatever the length of the history."""
    health = explain(account_id, since=as_of - timedelta(days=since_days))
    moved = [one for one in health.inputs if one.part] if health else []
    contacts = Contact.objects.filter(account_id=account_id, left_on=None)
    people = list(contacts.filter(role__in=_KEY_ROLES).order_by("-role", "pk")[:3])
    return Panel(
        health=health,
        falls=sorted(moved, key=lambda one: one.part or 0)[:3],
        line=sparklines([account_id], until=health.as_of).get(account_id, []) if health else [],
        contacts=people,
        last_activity=Activity.objects.filter(account_id=account_id).order_by("-occurred_at").first(),
    )
