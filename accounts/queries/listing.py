"""Accounts as a list for programs: filtered, with the facts that stand beside them."""

from datetime import date
from typing import Any, Final

from django.db.models import QuerySet

from accounts.choices import AccountStatus
from accounts.models import Account
from core.facts import annotate_facts, matching

SCORE: Final = "health.score"
BAND: Final = "health.band"


def accounts_matching(
    *,
    today: date,
    segment: str | None = None,
    status: str | None = None,
    owner_id: int | None = None,
    external_id: str | None = None,
    band: str | None = None,
) -> QuerySet[Account]:
    """The accounts for which everything that is given holds; `band` is that of the current score."""
    given: dict[str, Any] = {"segment": segment, "status": status, "owner_id": owner_id, "external_id": external_id}
    accounts = Account.objects.filter(**{name: value for name, value in given.items() if value is not None})
    if status is None and external_id is None:
        accounts = accounts.exclude(status=AccountStatus.MERGED)
    if band is None:
        return accounts
    return matching(accounts, {"fact": BAND, "op": "eq", "value": band}, today)


def with_scores(accounts: QuerySet[Account], *, today: date) -> QuerySet[Account]:
    """Each with its owner and its current score and band, in the same statement."""
    return annotate_facts(accounts.select_related("owner"), [SCORE, BAND], today)
