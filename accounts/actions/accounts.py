"""What is done with accounts, one statement for any number of them."""

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.choices import AccountStatus
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


@transaction.atomic
def become_customers(*, account_ids: Collection[int], since: date, actor: Actor, now: datetime) -> int:
    """Prospects, and those who had left, are customers from a day on. Who is one stays one. Returns how many are new.

    The first day of an earlier time as a customer is kept: it is the day since when they are known to buy.
    """
    held = Account.objects.filter(pk__in=account_ids, merged_into=None).exclude(status=AccountStatus.CUSTOMER)
    new = list(held.order_by("pk").select_for_update(of=("self",)))
    if not new:
        return 0
    Account.objects.filter(pk__in=[one.pk for one in new]).update(
        status=AccountStatus.CUSTOMER, customer_since=Coalesce("customer_since", since), updated_at=now
    )
    mark_changed([one.pk for one in new])
    audit.record_many(
        actor=actor,
        at=now,
        verb="became customer",
        rows=[(one, {"status": one.status}, {"status": AccountStatus.CUSTOMER, "since": since}) for one in new],
    )
    return len(new)


def record_export(*, rows: int, cut: bool, actor: Actor, now: datetime, subject_type: str = "accounts.account") -> None:
    """Keeps who took how many accounts out of the product, and whether there were more."""
    audit.record(actor=actor, at=now, verb="exported", subject_type=subject_type, after={"rows": rows, "cut": cut})
