"""What is done with accounts, one statement for any number of them."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.choices import AccountStatus
from accounts.models import Account, ContractLine, Person
from accounts.queries.people import active_person
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.models import AuditEntry

# How the trail names them: what is taken back later is looked up by these words.
BECAME: Final = "became customer"
NOT_AFTER_ALL: Final = "is no customer after all"
CHURNED: Final = "churned"
_TURNS: Final = (BECAME, NOT_AFTER_ALL, CHURNED)


@transaction.atomic
def assign_owner(*, accounts: QuerySet[Account], owner: Person, actor: Actor, now: datetime) -> int:
    """Gives the accounts to a person; those that are theirs already do not count. Returns how many changed hands.

    Raises `HasLeft` for somebody who is given nothing more.
    """
    active_person(owner.pk)
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
    return become_customers_on(days=dict.fromkeys(account_ids, since), actor=actor, now=now)


@transaction.atomic
def become_customers_on(*, days: Mapping[int, date], actor: Actor, now: datetime) -> int:
    """As `become_customers`, with a day for each account."""
    held = Account.objects.filter(pk__in=list(days), merged_into=None).exclude(status=AccountStatus.CUSTOMER)
    new = list(held.order_by("pk").select_for_update(of=("self",)))
    if not new:
        return 0
    rows = [(one, {"status": one.status}, {"status": AccountStatus.CUSTOMER, "since": days[one.pk]}) for one in new]
    for one in new:
        one.status, one.updated_at = AccountStatus.CUSTOMER, now
        one.customer_since = one.customer_since or days[one.pk]
    Account.objects.bulk_update(new, ["status", "customer_since", "updated_at"])
    mark_changed([one.pk for one in new])
    audit.record_many(actor=actor, at=now, verb=BECAME, rows=rows)
    return len(new)


@transaction.atomic
def take_back_customers(*, account_ids: Collection[int], reason: str, actor: Actor, now: datetime) -> list[int]:
    """Those who became customers by `become_customers` and have no contract are again what they were before.

    Whoever was a customer by other means, or has a contract line, stays one. Returns the ids of those taken back.
    """
    held = Account.objects.filter(pk__in=account_ids, merged_into=None, status=AccountStatus.CUSTOMER)
    paying = ContractLine.objects.filter(account_id__in=account_ids).values_list("account_id", flat=True)
    accounts = {one.pk: one for one in held.order_by("pk").select_for_update(of=("self",)) if one.pk not in set(paying)}
    told = AuditEntry.objects.filter(subject_type="accounts.account", subject_id__in=accounts, verb__in=_TURNS)
    was = {entry.subject_id: entry for entry in told.order_by("at", "pk")}
    back = []
    for pk, one in accounts.items():
        if pk not in was or was[pk].verb != BECAME:
            continue
        before = {"status": one.status, "since": one.customer_since}
        one.status = str(was[pk].before["status"])
        if str(one.customer_since) == str(was[pk].after["since"]):
            one.customer_since = None
        one.updated_at = now
        back.append((one, before, {"status": one.status, "since": one.customer_since}))
    Account.objects.bulk_update([row[0] for row in back], ["status", "customer_since", "updated_at"])
    mark_changed([row[0].pk for row in back])
    audit.record_many(actor=actor, at=now, verb=NOT_AFTER_ALL, rows=back, reason=reason)
    return [row[0].pk for row in back]


@transaction.atomic
def lose_customers(*, account_ids: Collection[int], reason: str, actor: Actor, now: datetime) -> int:
    """Customers whose contracts have ended have churned. Who is no customer is passed over. Returns how many."""
    held = Account.objects.filter(pk__in=account_ids, merged_into=None, status=AccountStatus.CUSTOMER)
    # Not against new rows that name them: their plays are ended next, and whoever works on one makes tasks meanwhile.
    gone = list(held.order_by("pk").select_for_update(no_key=True, of=("self",)))
    if not gone:
        return 0
    Account.objects.filter(pk__in=[one.pk for one in gone]).update(status=AccountStatus.CHURNED, updated_at=now)
    mark_changed([one.pk for one in gone])
    audit.record_many(
        actor=actor,
        at=now,
        verb=CHURNED,
        rows=[(one, {"status": one.status}, {"status": AccountStatus.CHURNED}) for one in gone],
        reason=reason,
    )
    return len(gone)


def record_export(*, rows: int, cut: bool, actor: Actor, now: datetime, subject_type: str = "accounts.account") -> None:
    """Keeps who took how many accounts out of the product, and whether there were more."""
    audit.record(actor=actor, at=now, verb="exported", subject_type=subject_type, after={"rows": rows, "cut": cut})
