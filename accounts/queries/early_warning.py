"""Facts that warn early: usage against its own past, people who left, tickets, invoices, surveys.

Each looks back from the day that it is asked for and sees nothing later, so that a rule can be tried on any past day.
"""

from datetime import date, timedelta
from typing import Any, Final

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    F,
    FloatField,
    Func,
    IntegerField,
    Min,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest

from accounts.choices import ContactRole
from accounts.models import Contact, Measure, Signal, Ticket
from core.models import Tenant
from core.registry import Fact
from core.tenancy import require_tenant_id

USAGE: Final = ("active_users", "usage_count")
INVOICE: Final = "invoice_overdue_days"
WINDOW: Final = 30
BASELINE: Final = 60
LEAST_BASELINE_DAYS: Final = 7
SPONSOR_DAYS: Final = 90
TICKET_BASELINE: Final = 90
SURVEY_DAYS: Final = 90
INVOICE_DAYS: Final = 45


def day_begins(day: date) -> Any:
    """The instant at which a business day of the workspace begins, as an expression."""
    zone = Tenant.objects.filter(pk=require_tenant_id()).values("timezone")[:1]
    return Func(
        Value(day, output_field=DateField()),
        Subquery(zone),
        template="(%(expressions)s)",
        arg_joiner="::timestamp AT TIME ZONE ",
        output_field=DateTimeField(),
    )


def days_between(as_of: date, earlier: Any) -> Any:
    """Whole days from a date to the day, as an expression."""
    return Func(
        Value(as_of, output_field=DateField()),
        earlier,
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


def _measure(key: str) -> Any:
    # Not a join: the id is looked up once, and the key of the signals serves as the index.
    return Subquery(Measure.objects.filter(key=key).values("pk")[:1])


def _trend(key: str, as_of: date) -> Any:
    """Daily mean of the window against the daily mean of the baseline before it, as a fraction of the latter."""
    edge = as_of - timedelta(days=WINDOW)
    days = days_between(edge, Min("day")) + 1
    base = Sum("value", filter=Q(day__lte=edge))
    recent = Coalesce(Sum("value", filter=Q(day__gt=edge)), 0.0)
    ratio = (recent / float(WINDOW)) / (base / Cast(days, FloatField())) - 1.0
    rows = (
        Signal.objects.filter(
            account_id=OuterRef("pk"), measure_id=_measure(key), day__gt=edge - timedelta(days=BASELINE), day__lte=as_of
        )
        .order_by()
        .values("account_id")
        .annotate(days=days, base=base)
        .annotate(trend=Case(When(days__gte=LEAST_BASELINE_DAYS, base__gt=0, then=ratio), output_field=FloatField()))
    )
    return Subquery(rows.values("trend"), output_field=FloatField())


def usage_change(as_of: date) -> Any:
    return Coalesce(*(_trend(key, as_of) for key in USAGE))


def sponsors_left(as_of: date) -> Any:
    rows = Contact.objects.filter(
        account_id=OuterRef("pk"),
        role__in=[ContactRole.SPONSOR, ContactRole.CHAMPION],
        left_on__gt=as_of - timedelta(days=SPONSOR_DAYS),
        left_on__lte=as_of,
    )
    return Coalesce(_count(rows), 0)


def _tickets(first: date, last: date) -> Any:
    """Tickets opened from the first to the last business day; 0 without any."""
    rows = Ticket.objects.filter(
        account_id=OuterRef("pk"),
        opened_at__gte=day_begins(first),
        opened_at__lt=day_begins(last + timedelta(days=1)),
    )
    return Coalesce(_count(rows), 0)


def tickets_recent(as_of: date) -> Any:
    return _tickets(as_of - timedelta(days=WINDOW - 1), as_of)


def tickets_two_months(as_of: date) -> Any:
    return _tickets(as_of - timedelta(days=59), as_of)


def ticket_ratio(as_of: date) -> Any:
    """Against the months before; where these had less than one ticket a month, against one."""
    edge = as_of - timedelta(days=WINDOW)
    before = _tickets(edge - timedelta(days=TICKET_BASELINE - 1), edge)
    usual = Greatest(Cast(before, FloatField()) * WINDOW / TICKET_BASELINE, 1.0)
    return Cast(tickets_recent(as_of), FloatField()) / usual


def _last(keys: tuple[str, ...], as_of: date, days: int) -> Any:
    found = [
        Subquery(
            Signal.objects.filter(
                account_id=OuterRef("pk"),
                measure_id=_measure(key),
                day__gt=as_of - timedelta(days=days),
                day__lte=as_of,
                value__isnull=False,
            )
            .order_by("-day", "-row_key")
            .values("value")[:1]
        )
        for key in keys
    ]
    return Coalesce(*found) if len(found) > 1 else found[0]


def invoice_overdue_days(as_of: date) -> Any:
    """A feed that names the days on some day is taken to go on ageing until it is heard of again."""
    return _last((INVOICE,), as_of, INVOICE_DAYS)


def detractors(as_of: date) -> Any:
    """Answers of the last three months at or under 6 of 10, under 0 points of NPS, or at most 2 of 5."""
    low = (
        Q(measure__key="nps", measure__unit="points", value__lt=0)
        | (Q(measure__key__in=["nps", "nps_response"]) & ~Q(measure__unit="points") & Q(value__lte=6))
        | Q(measure__key="csat", value__lte=2)
    )
    surveys = Measure.objects.filter(key__in=["nps", "nps_response", "csat"]).values("pk")
    rows = Signal.objects.filter(
        low,
        account_id=OuterRef("pk"),
        measure_id__in=surveys,
        day__gt=as_of - timedelta(days=SURVEY_DAYS),
        day__lte=as_of,
    )
    return Coalesce(_count(rows), 0)


def _count(rows: Any) -> Any:
    counted = rows.order_by().values("account_id").annotate(n=Count(F("account_id"))).values("n")
    return Subquery(counted, output_field=IntegerField())


EARLY_FACTS: Final = (
    Fact(
        "accounts.usage_change",
        "Usage against its own baseline",
        "number",
        usage_change,
        "Daily usage of the last 30 days against the 60 before, as a fraction: −0.25 is a quarter less.",
    ),
    Fact(
        "accounts.sponsors_left",
        "Sponsors or champions who left",
        "number",
        sponsors_left,
        "How many contacts in these roles left in the last 90 days.",
    ),
    Fact("accounts.tickets_30d", "Tickets in 30 days", "number", tickets_recent, "Opened in the last 30 days."),
    Fact("accounts.tickets_60d", "Tickets in 60 days", "number", tickets_two_months, "Opened in the last 60 days."),
    Fact(
        "accounts.ticket_ratio",
        "Tickets against the months before",
        "number",
        ticket_ratio,
        "Tickets of 30 days over the usual 30 days of the 90 before, at least one.",
    ),
    Fact(
        "accounts.invoice_overdue_days",
        "Days that an invoice is overdue",
        "number",
        invoice_overdue_days,
        "The last value of the measure invoice_overdue_days, at most 45 days old.",
    ),
    Fact(
        "accounts.detractors",
        "Detractors in surveys",
        "number",
        detractors,
        "Low answers in the last 90 days: at most 6 of 10, under 0 points, or at most 2 of 5.",
    ),
)
