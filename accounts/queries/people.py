"""Reads of our own people."""

from collections.abc import Iterable

from django.db.models import Count

from accounts.choices import AccountStatus
from accounts.models import Account, Person
from core.models import Membership


def person_id_of(membership: Membership) -> int | None:
    """The person behind a membership, or None for somebody who owns nothing. One query."""
    return Person.objects.filter(membership_id=membership.pk).values_list("pk", flat=True).first()


def person_of(membership: Membership) -> Person | None:
    """The person behind a membership, or None for somebody who is nobody's owner."""
    return Person.objects.filter(membership_id=membership.pk).first()


def accounts_in_hand(membership_ids: Iterable[int]) -> dict[int, str]:
    """How many customers each member owns, in words; members without any are left out. One query."""
    rows = (
        Account.objects.filter(owner__membership_id__in=list(membership_ids), status=AccountStatus.CUSTOMER)
        .values_list("owner__membership_id")
        .annotate(count=Count("pk"))
        .order_by()
    )
    return {membership_id: f"{count:,} customers" if count != 1 else "1 customer" for membership_id, count in rows}
