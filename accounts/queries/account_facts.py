"""Facts about accounts that rules can use: each an expression that annotates an account QuerySet."""

from datetime import date
from typing import Any, Final

from django.db.models import DateField, F, Func, IntegerField, Value

from core.registry import Fact


def _arr(_as_of: date) -> Any:
    return F("arr_minor")


def _segment(_as_of: date) -> Any:
    return F("segment")


def _status(_as_of: date) -> Any:
    return F("status")


def _days_since_contact(as_of: date) -> Any:
    return Func(
        Value(as_of, output_field=DateField()),
        F("last_contact_on"),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


ACCOUNT_FACTS: Final = (
    Fact("accounts.arr", "ARR", "money", _arr, "Annual recurring revenue, in minor units, as last brought to date."),
    Fact("accounts.segment", "Segment", "choice", _segment, "The segment's key; empty when there is none."),
    Fact("accounts.status", "Status", "choice", _status, "prospect, customer or churned."),
    Fact(
        "accounts.days_since_contact",
        "Days since the last contact",
        "number",
        _days_since_contact,
        "Whole days from the last logged contact to the date; unknown when there was none.",
    ),
)
