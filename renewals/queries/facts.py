"""Facts about accounts that renewals contribute."""

from datetime import date
from typing import Any

from django.db.models import DateField, Func, IntegerField, OuterRef, Subquery, Value

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


def _earliest(column: str) -> Subquery:
    rows = Renewal.objects.filter(account_id=OuterRef("pk"), tenant_id=OuterRef("tenant_id"), state=RenewalState.OPEN)
    return Subquery(rows.order_by("due_on", "pk").values(column)[:1])
