"""Facts about accounts that rules can use: each an expression that annotates an account QuerySet."""

from datetime import date, timedelta
from typing import Any, Final

from django.db.models import (
    Case,
    Count,
    DateField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf

from accounts.choices import AccountStatus, ActivityKind, ContactRole, Segment
from accounts.models import Activity, Contact
from accounts.queries.early_warning import EARLY_FACTS, day_begins, days_between
from core.models import Tenant
from core.registry import Fact
from core.tenancy import require_tenant_id


def _arr(_as_of: date) -> Any:
    return F("arr_minor")


def _segment(_as_of: date) -> Any:
    return F("segment")


def _status(_as_of: date) -> Any:
    return F("status")


def _employees(_as_of: date) -> Any:
    return F("employees")


def _industry(_as_of: date) -> Any:
    return NullIf(F("industry"), Value(""))


def _country(_as_of: date) -> Any:
    return NullIf(F("country"), Value(""))


def _contacts(as_of: date) -> Any:
    return _people(as_of)


def _sponsors(as_of: date) -> Any:
    return _people(as_of, role__in=[ContactRole.SPONSOR, ContactRole.CHAMPION, ContactRole.DECISION_MAKER])


def _people(as_of: date, **which: Any) -> Any:
    here = Contact.objects.filter(Q(left_on=None) | Q(left_on__gt=as_of), account_id=OuterRef("pk"), **which)
    counted = here.order_by().values("account_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _days_since_contact(as_of: date) -> Any:
    """From the projection where the last contact lies before the day, else from the contacts themselves."""
    earlier = Activity.objects.filter(
        account_id=OuterRef("pk"),
        kind__in=[ActivityKind.CALL, ActivityKind.MEETING, ActivityKind.EMAIL],
        occurred_at__lt=day_begins(as_of + timedelta(days=1)),
    ).order_by("-occurred_at")
    then = Func(
        Subquery(earlier.values("occurred_at")[:1]),
        Subquery(Tenant.objects.filter(pk=require_tenant_id()).values("timezone")[:1]),
        template="(%(expressions)s)::date",
        arg_joiner=" AT TIME ZONE ",
        output_field=DateField(),
    )
    return Case(
        When(last_contact_on__lte=as_of, then=days_between(as_of, F("last_contact_on"))),
        When(last_contact_on__gt=as_of, then=days_between(as_of, then)),
        output_field=IntegerField(),
    )


ACCOUNT_FACTS: Final = (
    Fact(
        "accounts.arr",
        "ARR",
        "money",
        _arr,
        "Annual recurring revenue, in minor units, as last brought to date.",
        now_only=True,
    ),
    Fact(
        "accounts.segment",
        "Segment",
        "choice",
        _segment,
        "The segment's key; empty when there is none.",
        now_only=True,
        values=tuple(str(one) for one in Segment.values),
    ),
    Fact(
        "accounts.status",
        "Status",
        "choice",
        _status,
        "prospect, customer or churned.",
        now_only=True,
        values=tuple(str(one) for one in AccountStatus.values),
    ),
    Fact(
        "accounts.days_since_contact",
        "Days since the last contact",
        "number",
        _days_since_contact,
        "Whole days from the last logged contact to the date; unknown when there was none.",
    ),
    Fact("accounts.employees", "Employees", "number", _employees, "Unknown when not filled.", now_only=True),
    Fact("accounts.industry", "Industry", "text", _industry, "As it was imported; unknown when empty.", now_only=True),
    Fact("accounts.country", "Country", "text", _country, "As it was imported; unknown when empty.", now_only=True),
    Fact(
        "accounts.contacts",
        "People known",
        "number",
        _contacts,
        "Contacts who have not left; 0 without any.",
        now_only=True,
    ),
    Fact(
        "accounts.sponsors",
        "Sponsors known",
        "number",
        _sponsors,
        "Sponsors, champions and decision makers who have not left; 0 without any.",
        now_only=True,
    ),
    *EARLY_FACTS,
)
