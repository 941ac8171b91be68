"""Facts about opportunities: what criteria of a pipeline are made of. Facts of the account can be asked as well."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, cast

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    FloatField,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.choices import ActivityKind, ContactRole
from accounts.models import Account, Activity, Contact
from accounts.queries.early_warning import day_begins, days_between
from core.registry import EntryOf, Fact, FactType
from journeys.choices import OpportunityKind
from journeys.models import Answer, OpportunityStageVisit

WINDOW: Final = 30
# Frameworks that come with the product. Those of a workspace's own are asked by `framework:` and `answer:`.
FRAMEWORKS: Final = {"bant": "BANT", "meddic": "MEDDIC", "meddpicc": "MEDDPICC", "spiced": "SPICED"}
_SHARE: Final = """(SELECT 100.0 * count(answer.id) / NULLIF(count(*), 0)
FROM core_processversion AS live
CROSS JOIN LATERAL jsonb_array_elements(live.definition -> 'questions') AS asked(question)
LEFT JOIN journeys_answer AS answer
  ON answer.tenant_id = live.tenant_id AND answer.opportunity_id = deal.id AND answer.is_complete
 AND answer.framework = live.key AND answer.question = asked.question ->> 'key'
WHERE live.tenant_id = deal.tenant_id AND live.kind = 'qualification' AND live.key = '{framework}'
  AND live.state = 'published' AND COALESCE((asked.question ->> 'required')::boolean, true))"""


def of_account(fact: Fact, as_of: date) -> Any:
    """A fact of the account behind the opportunity; unknown where there is none."""
    accounts = Account.objects.filter(pk=OuterRef("account_id")).order_by()
    return Subquery(accounts.annotate(asked_fact=fact.expression(as_of)).values("asked_fact")[:1])


def _plain(field: str) -> Callable[[date], Any]:
    return lambda _as_of: F(field)


def _is_set(field: str) -> Callable[[date], Any]:
    return lambda _as_of: Case(
        When(**{f"{field}__isnull": True}, then=Value(False)), default=Value(True), output_field=BooleanField()
    )


def _amount_known(_as_of: date) -> Any:
    return Case(When(amount_minor__gt=0, then=Value(True)), default=Value(False), output_field=BooleanField())


def _days_open(as_of: date) -> Any:
    return days_between(as_of, F("opened_on"))


def _days_in_stage(as_of: date) -> Any:
    here = OpportunityStageVisit.objects.filter(opportunity_id=OuterRef("pk"), left_on=None)
    return days_between(as_of, Subquery(here.values("entered_on")[:1]))


def _days_to_close(as_of: date) -> Any:
    return days_between(as_of, F("close_on")) * -1


def _here(as_of: date) -> Any:
    return Contact.objects.filter(account_id=OuterRef("account_id")).filter(Q(left_on=None) | Q(left_on__gt=as_of))


def _contacts(as_of: date) -> Any:
    return _count(_here(as_of))


def _with_role(role: str) -> Callable[[date], Any]:
    return lambda as_of: Exists(_here(as_of).filter(role=role))


def _economic_buyer(as_of: date) -> Any:
    named = Answer.objects.filter(opportunity_id=OuterRef("pk"), question="economic_buyer", is_complete=True)
    return Case(
        When(Exists(_here(as_of).filter(role=ContactRole.DECISION_MAKER)) | Exists(named), then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )


def _activities(as_of: date) -> Any:
    return _count(_logged(as_of).filter(occurred_at__gte=day_begins(as_of - timedelta(days=WINDOW - 1))))


def _meetings(as_of: date) -> Any:
    """With the account since the deal was opened."""
    return _count(_logged(as_of).filter(kind=ActivityKind.MEETING, occurred_at__date__gte=OuterRef("opened_on")))


def _logged(as_of: date) -> Any:
    return Activity.objects.filter(
        account_id=OuterRef("account_id"), occurred_at__lt=day_begins(as_of + timedelta(days=1))
    )


def _count(rows: Any) -> Any:
    counted = rows.order_by().values("account_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _answered(framework: str) -> Callable[[date], Any]:
    share = _SHARE.format(framework=framework)
    template = f"(SELECT ({share}) FROM (SELECT %(expressions)s) AS deal (id, tenant_id))"  # noqa: S608 -- keys of our own
    return lambda _as_of: Func(F("pk"), F("tenant_id"), template=template, output_field=FloatField())


_KINDS: Final = tuple(str(one) for one in OpportunityKind.values)
# A criterion asks the deals of its own pipeline.
_STAGES: Final = EntryOf("pipeline", "", "stages")
OPPORTUNITY_FACTS: Final = tuple(
    Fact(key, label, cast(FactType, kind), expression, words, now_only=True, subject="opportunity",
         values=_KINDS if key == "opportunity.kind" else (),
         values_in=_STAGES if key == "opportunity.stage" else None)
    for key, label, kind, expression, words in (
        ("opportunity.amount", "Amount", "money", _plain("amount_minor"), "In minor units; unknown when not filled."),
        ("opportunity.amount_known", "Amount is filled", "boolean", _amount_known, "Over zero."),
        ("opportunity.close_on", "Closing date", "date", _plain("close_on"), "Expected while open."),
        ("opportunity.days_to_close", "Days to the closing date", "number", _days_to_close, "Negative when past."),
        ("opportunity.owner_known", "Has an owner", "boolean", _is_set("owner"), "Somebody of ours leads it."),
        ("opportunity.account_known", "Has an account", "boolean", _is_set("account"), "It belongs to an account."),
        ("opportunity.product_known", "Has a product", "boolean", _is_set("product"), "It names a product."),
        ("opportunity.kind", "Kind", "choice", _plain("kind"), "new, renewal or expansion."),
        ("opportunity.stage", "Stage", "choice", _plain("stage__key"), "The key of the stage it is in."),
        ("opportunity.pipeline", "Pipeline", "choice", _plain("pipeline__key"), "The key of its pipeline."),
        ("opportunity.days_open", "Days open", "number", _days_open, "Since it was opened."),
        ("opportunity.days_in_stage", "Days in the stage", "number", _days_in_stage, "Since it entered the stage."),
        ("opportunity.contacts", "Contacts", "number", _contacts, "People at the account who have not left."),
        ("opportunity.has_champion", "Has a champion", "boolean", _with_role(ContactRole.CHAMPION),
         "A contact of the account has the role."),
        ("opportunity.has_decision_maker", "Has a decision maker", "boolean", _with_role(ContactRole.DECISION_MAKER),
         "A contact of the account has the role."),
        ("opportunity.has_sponsor", "Has an executive sponsor", "boolean", _with_role(ContactRole.SPONSOR),
         "A contact of the account has the role."),
        ("opportunity.has_economic_buyer", "Has an economic buyer", "boolean", _economic_buyer,
         "A contact is a decision maker, or is named in an answer to that question."),
        ("opportunity.activities_30d", "Activities in 30 days", "number", _activities, "Logged with the account."),
        ("opportunity.meetings", "Meetings since it was opened", "number", _meetings, "Logged with the account."),
        *((f"opportunity.{key}_answered", f"{name} answered", "number", _answered(key),
           f"Per cent of the required questions of {name} that are answered.") for key, name in FRAMEWORKS.items()),
    )
)  # fmt: skip
