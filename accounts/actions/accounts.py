"""What is done with accounts, one statement for any number of them."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Account, Person
from core import audit
from core.actors import Actor
from core.changes import mark_changed


@transaction.atomic
def assign_owner(*, accounts: QuerySet[Account], owner: Person, actor: Actor, now: datetime) -> int:
    """Gives the accounts to a person; those that are theirs already do not count. Returns how many changed hands."""
    moving = (
        accounts.filter(merged_into=None)
        .filter(~Q(owner_id=owner.pk) | Q(owner_id=None))
        .order_by()
        .values_list("pk", flat=True)
    )
    ids = list(moving.select_for_update(of=("self",)))
    if not ids:
        return 0
    changed = Account.objects.filter(pk__in=ids).update(owner_id=owner.pk, updated_at=now)
    mark_changed(ids)
    audit.record(
        actor=actor,
        at=now,
        verb="assigned owner",
        subject_type="accounts.account",
        after={"owner": owner.name, "owner_id": owner.pk, "accounts": changed, "ids": ids[:100]},
    )
    return changed


def record_export(*, rows: int, cut: bool, actor: Actor, now: datetime, subject_type: str = "accounts.account") -> None:
    """Keeps who took how many accounts out of the product, and whether there were more."""
    audit.record(actor=actor, at=now, verb="exported", subject_type=subject_type, after={"rows": rows, "cut": cut})
