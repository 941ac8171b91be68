"""Facts that scores are made of, for tests of health."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import Account, Activity, Contract, ContractLine, Measure, Signal, Ticket
from accounts.rules import name_key
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.versioning import draft, publish

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
ACTOR = Actor.system("test")


def account(name: str = "Brightwater", **values: Any) -> Account:
    return Account.objects.create(name=name, name_key=name_key(name), **values)


def measure(key: str, **values: Any) -> Measure:
    return Measure.objects.get_or_create(key=key, defaults={"name": key, **values})[0]


def signals(of: Account, key: str, values: Sequence[float | None], *, until: date = TODAY, step: int = 1) -> None:
    """Values of a measure, the last one on `until`, the others `step` days apart before it."""
    what = measure(key)
    Signal.objects.bulk_create(
        Signal(tenant_id=of.tenant_id, account=of, measure=what, day=until - timedelta(days=step * back), value=value)
        for back, value in enumerate(reversed(values))
    )


def category(of: Account, key: str, name: str, *, day: date = TODAY) -> None:
    Signal.objects.create(account=of, measure=measure(key, kind="category"), day=day, category=name)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def ticket(of: Account, day: date, **values: Any) -> Ticket:
    return Ticket.objects.create(account=of, opened_at=noon(day), **values)


def contact(of: Account, day: date, kind: str = "call") -> Activity:
    return Activity.objects.create(account=of, kind=kind, occurred_at=noon(day), subject="Call")


def contract(of: Account, arr_minor: int, *, starts_on: date, ends_on: date | None = None) -> ContractLine:
    made = Contract.objects.create(
        account=of, starts_on=starts_on, ends_on=ends_on, currency="EUR", created_at=noon(starts_on)
    )
    return ContractLine.objects.create(
        contract=made, account=of, starts_on=starts_on, ends_on=ends_on, arr_minor=arr_minor
    )


def one_input(key: str = "usage", **values: Any) -> dict[str, Any]:
    return {
        "key": key,
        "measure": key,
        "window_days": 30,
        "aggregate": "last",
        "mapping": {"linear": {"worst": 0, "best": 100}},
        "weight": 1,
        "missing": "exclude",
        **values,
    }


def document(*inputs: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"kind": "score_model", "key": "standard", "name": "Standard", "inputs": list(inputs), **values}


def publish_model(of: Tenant, *inputs: dict[str, Any], now: datetime = NOW, **values: Any) -> ProcessVersion:
    """A live score model in the current workspace; a second one under the same key is its next version.

    Measures that it reads alone are made known, since a model that reads what nobody knows cannot go live.
    """
    content = document(*inputs, **values)
    for one in inputs:
        name = one["measure"]
        if isinstance(name, str) and "." not in name and "otherwise" not in one:
            measure(name)
    version = draft(
        kind="score_model", key=content["key"], name=content["name"], definition=content, actor=ACTOR, now=now
    )
    return publish(version=version, actor=ACTOR, now=now, reason="test", waiver="Made for a test.")
