"""Facts about accounts that renewals contribute."""

from datetime import date, timedelta
from typing import Any

from django.db.models import DateField, Exists, Func, IntegerField, OuterRef, Subquery, Value

from accounts.queries.early_warning import day_begins, days_between
from core.models import Tenant
from core.tenancy import require_tenant_id
from renewals.choices import RenewalState
from renewals.models import Renewal


def days_to_renewal(as_of: date) -> Any:
    """An expression on accounts: days from the date to the earliest open renewal, negative when it is late."""
    return Func(
        _earliest("due_on"),
        Value(as_of, output_field=DateField()),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


def renewal_amount(_as_of: date) -> Any:
    """An expression on accounts: the amount of the earliest open renewal."""
    return _earliest("amount_minor")


def days_since_renewed(as_of: date) -> Any:
    """An expression on accounts: days from the day on which a renewal was last won to the date."""
    won = Renewal.objects.filter(
        account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), state=RenewalState.WON,
        decided_at__lt=day_begins(as_of + timedelta(days=1)),
    )  # fmt: skip
    day = Func(
        Subquery(won.order_by("-decided_at").values("decided_at")[:1]),
        Subquery(Tenant.objects.filter(pk=require_tenant_id()).values("timezone")[:1]),
        template="(%(expressions)s)::date",
        arg_joiner=" AT TIME ZONE ",
        output_field=DateField(),
    )
    return days_between(as_of, day)


def is_due(as_of: date) -> Any:
    """An expression on accounts: whether a renewal, open or decided, has that day as its due date."""
    rows = Renewal.objects.filter(account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), due_on=as_of)
    return Exists(rows.exclude(state=RenewalState.DROPPED))


def _earliest(column: str) -> Subquery:
    rows = Renewal.objects.filter(account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), state=RenewalState.OPEN)
    return Subquery(rows.order_by("due_on", "pk").values(column)[:1])
