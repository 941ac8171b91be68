"""Accounts with contracts, and documents published, for tests of renewals, QBRs and escalations."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import Account, Contract, ContractLine, Person
from accounts.rules.names import name_key
from core.actors import Actor
from core.models import Tenant
from renewals.contributions import publish_timeline

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")


def person(name: str = "Maya Lindqvist") -> Person:
    return Person.objects.get_or_create(name=name, name_key=name_key(name))[0]


def account(name: str = "Alder Works", **values: Any) -> Account:
    return Account.objects.create(name=name, name_key=name_key(name), **values)


def contract(
    of: Account,
    *,
    starts_on: date = date(2025, 1, 15),
    ends_on: date | None = None,
    arr_minor: int = 1_200_000,
    learnt_on: date | None = None,
    **values: Any,
) -> Contract:
    """A contract with one recurring line. `learnt_on`: when the workspace learnt of it (default: at its start)."""
    made = Contract.objects.create(
        account=of,
        starts_on=starts_on,
        ends_on=ends_on,
        currency="EUR",
        created_at=datetime.combine(learnt_on or starts_on, time(8), tzinfo=UTC),
        **values,
    )
    ContractLine.objects.create(contract=made, account=of, starts_on=starts_on, ends_on=ends_on, arr_minor=arr_minor)
    return made


def publish_renewal_timeline(tenant: Tenant) -> None:
    publish_timeline(tenant, ACTOR, NOW)


def ends_in(days: int, today: date = TODAY) -> date:
    return today + timedelta(days=days)
